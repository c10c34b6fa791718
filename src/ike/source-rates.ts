// How many first messages a source may send: a token bucket for each address, in memory that does not grow. RFC 7296
// §2.6 asks for as much of whoever answers strangers.

import type { IkeEngineParts } from './ike-engine-parts.ts';
import { keyedHash, type KeyedHash } from './keyed-hash.ts';

/** Addresses that meet in a row share its tokens; which ones do, nobody outside knows. */
const ROWS = 4096;
const KEY_BYTES = 32;
/** What one host has of IPv6 (RFC 6177). */
const IPV6_PREFIX_BYTES = 8;

/** What counts as one source, as text. @param address 4 or 16 bytes */
export function sourceOf(address: Uint8Array): string {
  return Buffer.from(prefixOf(address)).toString('hex');
}

function prefixOf(address: Uint8Array): Uint8Array {
  return address.length === 4 ? address : address.subarray(0, IPV6_PREFIX_BYTES);
}

export interface Rate {
  readonly perSecond: number;
  /** At once, after a while of silence. */
  readonly burst: number;
}

export class SourceRates {
  readonly #rate: Rate;
  readonly #key: Uint8Array;
  readonly #hash: KeyedHash;
  readonly #tokens: Float64Array;
  readonly #takenMs = new Float64Array(ROWS);

  constructor(rate: Rate, { random, crypto }: Pick<IkeEngineParts, 'random' | 'crypto'>) {
    this.#rate = rate;
    this.#hash = keyedHash(crypto);
    this.#key = random(KEY_BYTES);
    this.#tokens = new Float64Array(ROWS).fill(rate.burst);
  }

  /** @param address 4 or 16 bytes @returns false where the source has sent too much */
  take(address: Uint8Array, nowMs: number): boolean {
    const { perSecond, burst } = this.#rate;
    const row = this.#rowOf(address);
    const passedMs = nowMs - (this.#takenMs[row] ?? 0);
    const tokens = Math.min(burst, (this.#tokens[row] ?? 0) + (passedMs * perSecond) / 1000);
    this.#takenMs[row] = nowMs;
    this.#tokens[row] = tokens < 1 ? tokens : tokens - 1;
    return tokens >= 1;
  }

  #rowOf(address: Uint8Array): number {
    const [high = 0, low = 0] = this.#hash(this.#key, prefixOf(address));
    return ((high << 8) | low) % ROWS;
  }
}
