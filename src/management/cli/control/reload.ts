// `isthmus reload`: the gateway reads its configuration file again, as SIGHUP does.

import type { Output } from '../output.ts';
import { withSession, type ControlOptions } from './with-session.ts';

/** @throws RefusedError with what is wrong in the file; then nothing has changed */
export async function reloadFile(options: ControlOptions, output: Output): Promise<void> {
  await withSession(options, (session) => session.call('reload-settings'));
  const result = 'the configuration file is in force';
  output.out(options.json === true ? `${JSON.stringify({ result }, undefined, 2)}\n` : `${result}\n`);
}
