// Where that comes from which nobody may guess: SPIs, nonces, IVs, jitter.

import { randomInt } from 'node:crypto';
import { RandomPool } from '../crypto/node/random-pool.ts';
import type { RandomInteger } from '../sad/spi-allocation.ts';

export interface Chance {
  /** @returns bytes that are the caller's alone */
  readonly bytes: (count: number) => Uint8Array;
  readonly integer: RandomInteger;
}

/** Of node:crypto. */
export function hostChance(): Chance {
  const pool = new RandomPool();
  return {
    bytes: (count) => pool.take(count),
    integer: (first, last) => first + randomInt(last - first + 1),
  };
}
