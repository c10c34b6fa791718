// Reads the configuration file again and puts it in force. A file that is wrong changes nothing: the gateway goes on,
// and the log says why, one line for each mistake.

import { ConfigError, EnvironmentError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { loadConfig } from '../management/config/load-config.ts';
import { SadError } from '../sad/sad-error.ts';
import type { LiveDatabases } from './live-databases.ts';

/** Never rejects, but for a defect of this program. */
export async function reload(live: LiveDatabases, log: Logger): Promise<void> {
  const { file } = live.config;
  try {
    const next = loadConfig(file);
    for (const warning of next.warnings) log.warn(warning);
    await live.use(next);
    log.level = next.logLevel;
    log.info({ file, policies: next.policies.length }, 'configuration reloaded');
  } catch (error) {
    if (!isRefusal(error)) throw error;
    for (const line of error.message.split('\n')) log.error({ reason: line }, 'reload failed');
  }
}

function isRefusal(error: unknown): error is Error {
  return error instanceof ConfigError || error instanceof EnvironmentError || error instanceof SadError;
}
