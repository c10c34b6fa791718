// The times of IKE SAs in the configuration: how long one lives, when a silent peer is asked, how long an answer is
// waited for. RFC 7296 §2.4, §2.8.

import { parseDurationMs } from '../../base/units.ts';
import { readInteger } from './expectation.ts';

/** As the state machines read it: replaced after `rekeyMs` less a random part of `jitterMs`, ended after `expireMs`. */
export interface IkeLifetime {
  readonly rekeyMs: number;
  readonly jitterMs: number;
  readonly expireMs: number;
}

const MIN_LIFETIME_MS = 1000;
const MAX_LIFETIME_MS = 366 * 24 * 3_600_000;
const DEFAULT_SOFT_PART = 0.9;
const DEFAULT_JITTER_PART = 0.1;
const MIN_LIVENESS_MS = 1000;
const MAX_LIVENESS_MS = 24 * 3_600_000;
const MIN_WAIT_MS = 100;
const MAX_WAIT_MS = 60_000;

export const EXPECTED_IKE_LIFETIME =
  'a duration of at least 1s (24h), or {soft, hard, jitter} with soft not above hard and jitter not above soft';
export const EXPECTED_LIVENESS = 'off or a time from 1s to 24h (30s)';
export const EXPECTED_WAIT = 'a time from 100ms to 60s (4s)';

function readTime(found: unknown, first: number, last: number): number | undefined {
  const isText = typeof found === 'string' || typeof found === 'number';
  return readInteger(isText ? parseDurationMs(String(found)) : undefined, first, last);
}

/** `24h`, or `{soft: 20h, hard: 24h, jitter: 1h}` of which only `hard` must be there. */
export function readIkeLifetime(found: unknown): IkeLifetime | undefined {
  const isMapping = typeof found === 'object' && found !== null;
  const { soft, hard, jitter, ...others } = (isMapping ? found : { hard: found }) as Record<string, unknown>;
  const expireMs = readTime(hard, MIN_LIFETIME_MS, MAX_LIFETIME_MS);
  if (expireMs === undefined || Object.keys(others).length > 0) return undefined;
  const rekeyMs =
    soft === undefined
      ? Math.floor(expireMs * DEFAULT_SOFT_PART)
      : readTime(soft, MIN_LIFETIME_MS, MAX_LIFETIME_MS);
  if (rekeyMs === undefined || rekeyMs > expireMs) return undefined;
  const jitterMs =
    jitter === undefined ? Math.floor(rekeyMs * DEFAULT_JITTER_PART) : readTime(jitter, 0, MAX_LIFETIME_MS);
  return jitterMs === undefined || jitterMs > rekeyMs ? undefined : { rekeyMs, jitterMs, expireMs };
}

/** @returns milliseconds; 0 = never */
export function readLiveness(found: unknown): number | undefined {
  return found === 'off' ? 0 : readTime(found, MIN_LIVENESS_MS, MAX_LIVENESS_MS);
}

export function readWait(found: unknown): number | undefined {
  return readTime(found, MIN_WAIT_MS, MAX_WAIT_MS);
}

export function readFactor(found: unknown): number | undefined {
  return typeof found === 'number' && found >= 1 && found <= 4 ? found : undefined;
}
