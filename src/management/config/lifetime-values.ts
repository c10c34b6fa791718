// The limits of an SA's lifetime in the configuration: `hard` alone, or `{soft, hard}`; soft is nine tenths of hard
// where it is not written. RFC 4301 §4.4.2.1.

import type { z } from 'zod';

import { parseDurationMs, parseSizeBytes } from '../../base/units.ts';
import type { LifetimeLimit } from '../../spd/sa-lifetime.ts';
import { mapping, value } from './expectation.ts';

const DEFAULT_SOFT_PART = 0.9;
/** A shorter one would end before a tunnel has carried anything. */
const MIN_TIME_MS = 1000;

/** As written: a part that is wrong by itself is undefined, and was reported. */
export interface LifetimeEntry {
  readonly time?: LifetimeLimit | undefined;
  readonly bytes?: LifetimeLimit | undefined;
  readonly packets?: LifetimeLimit | undefined;
}

/** `100GB`, 4096 */
function readSize(found: unknown): number | undefined {
  const bytes = typeof found === 'string' ? parseSizeBytes(found) : found;
  return isCount(bytes) ? bytes : undefined;
}

function readTime(found: unknown): number | undefined {
  const timeMs =
    typeof found === 'string' || typeof found === 'number' ? parseDurationMs(String(found)) : undefined;
  return timeMs !== undefined && timeMs >= MIN_TIME_MS ? timeMs : undefined;
}

function readPackets(found: unknown): number | undefined {
  return isCount(found) ? found : undefined;
}

function isCount(found: unknown): found is number {
  return typeof found === 'number' && Number.isSafeInteger(found) && found > 0;
}

function limit(
  what: string,
  example: string,
  read: (found: unknown) => number | undefined,
): z.ZodType<LifetimeLimit> {
  return value(`${what} (${example}), or {soft, hard} with soft not above hard`, (found) => {
    if (typeof found !== 'object' || found === null) {
      const hard = read(found);
      return hard === undefined ? undefined : { soft: softOf(hard), hard };
    }
    const { soft: softText, hard: hardText, ...others } = found as Record<string, unknown>;
    const hard = read(hardText);
    if (hard === undefined || Object.keys(others).length > 0) return undefined;
    const soft = softText === undefined ? softOf(hard) : read(softText);
    return soft === undefined || soft > hard ? undefined : { soft, hard };
  });
}

function softOf(hard: number): number {
  return Math.max(1, Math.floor(hard * DEFAULT_SOFT_PART));
}

export const lifetime: z.ZodType<LifetimeEntry> = mapping({
  time: limit('a duration of at least 1s', '8h', readTime).optional(),
  bytes: limit('a size', '100GB', readSize).optional(),
  packets: limit('a number of packets', '4000000000', readPackets).optional(),
});
