// A line of the log as vici tells it: a subsystem, a level of strongSwan's, one line of text.

import { describeFields } from '../../base/log.ts';
import { section, type ViciSection } from './message.ts';

interface LogFields extends Readonly<Record<string, unknown>> {
  readonly level?: unknown;
  readonly time?: unknown;
  readonly msg?: unknown;
}

const MOST_TEXT = 4096;

/** 0: what went wrong. 1: what happens. 2: details. */
const LEVELS: ReadonlyMap<unknown, number> = new Map([
  ['error', 0],
  ['warn', 0],
  ['info', 1],
]);
const DETAIL_LEVEL = 2;

/** What a value of vici can hold. */
const MOST_LINE = 60_000;

/** For those who read the log as it is. A line that is too long for a packet is named. */
export function wholeLine(line: string): ViciSection {
  if (Buffer.byteLength(line) <= MOST_LINE) return section({ line });
  const { level, time } = JSON.parse(line) as LogFields;
  const msg = `a line of ${line.length} characters, which the log itself has`;
  return section({ line: `${JSON.stringify({ level, time, msg })}\n` });
}

/** The line is of this level, or above. */
export function isControlLevel(line: string, most: number): boolean {
  return levelOf(JSON.parse(line) as LogFields) <= most;
}

/** @param kind `thread`: the event `log` has the number of one as well, and here there is only one */
export function logSection(line: string, kind?: 'thread'): ViciSection {
  const fields = JSON.parse(line) as LogFields;
  const { peer } = fields;
  return section({
    group: groupOf(fields),
    level: levelOf(fields),
    thread: kind === 'thread' ? 1 : undefined,
    'ikesa-name': typeof peer === 'string' ? peer : undefined,
    msg: describeFields(fields).slice(0, MOST_TEXT),
  });
}

function levelOf({ level }: LogFields): number {
  return LEVELS.get(level) ?? DETAIL_LEVEL;
}

/** strongSwan's subsystems, as far as they fit. */
function groupOf(fields: LogFields): string {
  if ('ike' in fields) return 'IKE';
  if ('spi' in fields || 'direction' in fields) return 'ESP';
  return 'DMN';
}
