// `isthmus logs`: what the gateway logs, as it logs it, whole lines of its log.

import { formatForPeople } from '../../../base/log.ts';
import { textOf } from '../../vici/message.ts';
import type { Output } from '../output.ts';
import { LEVELS } from './log-levels.ts';
import { withSession, type ControlOptions } from './with-session.ts';

export interface LogOptions extends ControlOptions {
  readonly level: (typeof LEVELS)[number];
  readonly peer?: string;
  readonly policy?: string;
}

/** Ends with the gateway. @throws NoGatewayError when it is gone */
export async function followLog(options: LogOptions, output: Output): Promise<void> {
  await withSession(options, async (session) => {
    await session.listen('isthmus-log', (message) => {
      const line = textOf(message, 'line') ?? '{}';
      if (isWanted(JSON.parse(line) as LogFields, options))
        output.out(options.json === true ? line : formatForPeople(line));
    });
    await session.untilGone();
  });
}

type LogFields = Readonly<Record<string, unknown>>;

function isWanted({ level, peer, policy }: LogFields, wanted: LogOptions): boolean {
  // fatal, trace: what is no level of ours is never held back.
  const rank = LEVELS.findIndex((one) => one === level);
  return (
    rank <= LEVELS.indexOf(wanted.level) &&
    (wanted.peer === undefined || wanted.peer === peer) &&
    (wanted.policy === undefined || wanted.policy === policy)
  );
}
