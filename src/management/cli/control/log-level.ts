// `isthmus logs level`: how much each subsystem of the gateway logs, or another level for one of them.

import { section } from '../../vici/message.ts';
import { LOG_LEVEL_LIST } from '../../vici/extensions/log-levels.ts';
import type { Output } from '../output.ts';
import { withSession, type ControlOptions } from './with-session.ts';

/** @throws RefusedError */
export async function logLevels(
  subsystem: string | undefined,
  level: string | undefined,
  options: ControlOptions,
  output: Output,
): Promise<void> {
  const request = section({ subsystem: subsystem === 'all' ? undefined : subsystem, level });
  const answer = await withSession(options, (session) => session.call('isthmus-log-levels', request));
  const { levels } = LOG_LEVEL_LIST.decode(answer, 'isthmus-log-levels');
  if (options.json === true) {
    output.out(`${JSON.stringify(levels, undefined, 2)}\n`);
    return;
  }
  const width = Math.max(...levels.map((one) => one.subsystem.length));
  for (const one of levels)
    output.out(
      `${one.subsystem.padEnd(width)}  ${one.level}${one.isOwn ? ', until the gateway ends' : ''}\n`,
    );
}
