// Reads the configuration file again and puts it in force. A file that is wrong changes nothing: the gateway goes on,
// and the log says why, one line for each mistake.

import { ConfigError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { ConfigLayers } from './config-layers.ts';

/** @returns what is wrong, a line each. Never rejects, but for a defect of this program. */
export async function reload(layers: ConfigLayers, log: Logger): Promise<readonly string[]> {
  try {
    await layers.reload();
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = error.message.split('\n');
    for (const line of lines) log.error({ reason: line }, 'reload failed');
    return lines;
  }
}
