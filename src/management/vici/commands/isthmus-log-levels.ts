// `isthmus-log-levels`, an extension: how much each subsystem logs, and changes it, until the gateway ends.

import { SUBSYSTEMS } from '../../../base/log-levels.ts';
import { LOG_LEVELS } from '../../../base/log.ts';
import type { Command } from '../command.ts';
import { LOG_LEVEL_LIST } from '../extensions/log-levels.ts';
import { textOf, ViciRequestError } from '../message.ts';

/** The level of the whole log again. */
const DEFAULT = 'default';

export const isthmusLogLevels: Command = (gateway, request) => {
  const subsystem = textOf(request, 'subsystem');
  const level = textOf(request, 'level');
  if (level !== undefined) {
    const known = knownOf(level, [...LOG_LEVELS, DEFAULT]);
    const names = subsystem === undefined ? SUBSYSTEMS : [knownOf(subsystem, SUBSYSTEMS)];
    for (const name of names) gateway.useLogLevel(name, known === DEFAULT ? undefined : known);
  } else if (subsystem !== undefined)
    throw new ViciRequestError('found a subsystem and no level, expected both or none');
  return LOG_LEVEL_LIST.encode({ levels: gateway.logLevels });
};

/** @throws ViciRequestError */
function knownOf<Word extends string>(found: string, words: readonly Word[]): Word {
  const known = words.find((one) => one === found);
  if (known !== undefined) return known;
  throw new ViciRequestError(
    `found ${JSON.stringify(found.slice(0, 64))}, expected one of ${words.join(', ')}`,
  );
}
