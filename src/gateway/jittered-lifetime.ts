// When an SA is replaced: a random time before its soft limit, so that SAs that were made together are not replaced
// together. RFC 7296 §2.8.

import type { SaLifetime } from '../spd/sa-lifetime.ts';

/** Of the soft limit. */
const JITTER_PART = 0.1;
/** Steps of the random part: 28 800 s make steps of less than a millisecond. */
const STEPS = 2 ** 32;

/** @param random four bytes or more */
export function jittered(lifetime: SaLifetime, random: (bytes: number) => Uint8Array): SaLifetime {
  const { timeMs } = lifetime;
  if (timeMs === undefined) return lifetime;
  const bytes = random(4);
  const step = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { ...lifetime, timeMs: { ...timeMs, soft: timeMs.soft * (1 - (JITTER_PART * step) / STEPS) } };
}
