// The anti-replay window of an inbound SA. RFC 4303 §3.4.3, with the ring of words of RFC 6479, and for extended
// sequence numbers the inference of RFC 4303 Appendix A2.2. The words lie in shared memory; one worker writes.

import { SaField, type SaState } from './sa-state.ts';
import { SharedRowsBySize } from './shared-rows.ts';

const WORD_BITS = 32;
const TWO_32 = 0x1_0000_0000;
/** Width used to infer the high half of an ESN where the window is off. */
const INFERENCE_PACKETS_WITHOUT_WINDOW = 0x8000_0000;

/** What the window says of a number. */
export const Replay = { fresh: 0, seen: 1, tooOld: 2 } as const;
export type Replay = (typeof Replay)[keyof typeof Replay];

export type ReplayBitmap = Int32Array<SharedArrayBuffer>;

/** Bitmaps of every size, pooled in shared memory. */
export class ReplayBitmaps {
  readonly #rows = new SharedRowsBySize<ReplayBitmap>(Int32Array);

  /** @param windowPackets 0 = off, or a multiple of 32 */
  take(windowPackets: number): ReplayBitmap {
    // RFC 6479 §3: a power of two of words, one more than the window needs, so that moving clears whole words.
    let words = 1;
    while (words < windowPackets / WORD_BITS + 1) words *= 2;
    return this.#rows.take(words);
  }

  release(bitmap: ReplayBitmap): void {
    this.#rows.release(bitmap);
  }
}

export class ReplayWindow {
  readonly #windowPackets: number;
  readonly #bitmap: ReplayBitmap;
  readonly #state: SaState;

  constructor(windowPackets: number, bitmap: ReplayBitmap, state: SaState) {
    this.#windowPackets = windowPackets;
    this.#bitmap = bitmap;
    this.#state = state;
  }

  /**
   * Infers the high half of a number from its low half (RFC 4303 Appendix A2.2).
   * @param low the 32 bits from the packet, as a signed or unsigned integer
   * @returns the high half; -1 where the number would lie before the first one
   */
  inferHigh(low: number): number {
    const right = this.#state[SaField.sequence]!;
    const rightHigh = Math.floor(right / TWO_32);
    const rightLow = right - rightHigh * TWO_32;
    const width = this.#windowPackets === 0 ? INFERENCE_PACKETS_WITHOUT_WINDOW : this.#windowPackets;
    const left = rightLow - width + 1;
    const number = low >>> 0;
    if (left >= 0) return number >= left ? rightHigh : rightHigh + 1;
    return number >= left + TWO_32 ? rightHigh - 1 : rightHigh;
  }

  /** Judges a number before its packet is authenticated; changes nothing. */
  check(sequence: number): Replay {
    if (this.#windowPackets === 0) return Replay.fresh;
    const right = this.#state[SaField.sequence]!;
    if (sequence > right) return Replay.fresh;
    if (sequence + this.#windowPackets <= right) return Replay.tooOld;
    return (this.#bitmap[this.#wordOf(sequence)]! & bitOf(sequence)) === 0 ? Replay.fresh : Replay.seen;
  }

  /**
   * Takes the number of an authenticated packet into the window (RFC 4303 §3.4.3: only after the ICV was verified).
   * Checks again: two packets of one batch may carry one number.
   */
  accept(sequence: number): Replay {
    const verdict = this.check(sequence);
    if (verdict !== Replay.fresh) return verdict;
    const right = this.#state[SaField.sequence]!;
    if (sequence > right) {
      this.#state[SaField.sequence] = sequence;
      if (this.#windowPackets !== 0) this.#clearBetween(right, sequence);
    }
    if (this.#windowPackets === 0) return Replay.fresh;
    const word = this.#wordOf(sequence);
    this.#bitmap[word] = this.#bitmap[word]! | bitOf(sequence);
    return Replay.fresh;
  }

  /** RFC 6479 §3: the words that the right edge moves over start empty. */
  #clearBetween(right: number, sequence: number): void {
    const words = this.#bitmap.length;
    const moved = Math.floor(sequence / WORD_BITS) - Math.floor(right / WORD_BITS);
    const first = this.#wordOf(right) + 1;
    for (let step = 0; step < moved && step < words; step++) this.#bitmap[(first + step) & (words - 1)] = 0;
  }

  // The ring is a power of two, so the low 32 bits of a number say where it lies; `%` on a double costs a call.
  #wordOf(sequence: number): number {
    return ((sequence | 0) >>> 5) & (this.#bitmap.length - 1);
  }
}

function bitOf(sequence: number): number {
  return 1 << (sequence & (WORD_BITS - 1));
}
