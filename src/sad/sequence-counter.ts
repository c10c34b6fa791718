// The sequence counter of an outbound SA. RFC 4303 §2.2, §3.3.3: rises by one per packet and never wraps.
// Numbers come in blocks that were reserved for this SA alone, so that a number, and with it the IV of a
// counter-mode transform (RFC 4106 §2), is never used twice, not even across restarts.

import { sequenceEnd } from './sa-limits.ts';
import { SaField, type SaState } from './sa-state.ts';
import type { SequenceBlock } from './security-association.ts';

/** When fewer numbers than this are left, the next block is asked for. */
export const LOW_WATER_PACKETS: number = 1 << 17;

/**
 * All numbers, for an SA whose key was made for it and dies with this process: nothing has to be reserved on disk,
 * and there is no block behind it.
 */
export function wholeSequenceSpace(esn: boolean): SequenceBlock {
  // Above it, adding 1 to a number may change nothing.
  return { first: 1, end: Math.min(sequenceEnd(esn), Number.MAX_SAFE_INTEGER) };
}

export class SequenceCounter {
  readonly #state: SaState;
  #end = 0;
  /** Made when the first block comes: few SAs ever need a second one. */
  #queued: SequenceBlock[] | undefined;
  #asked = false;

  /** @param block undefined: another worker takes the numbers; here they can only be looked at */
  constructor(state: SaState, block: SequenceBlock | undefined) {
    this.#state = state;
    if (block !== undefined) this.#use(block);
  }

  /** Adds a block; one that does not lie behind every block before it was granted already. */
  grant(block: SequenceBlock): void {
    const last = this.#queued?.at(-1)?.end ?? this.#end;
    if (block.first < last) return;
    this.#queued ??= [];
    this.#queued.push(block);
    this.#asked = false;
  }

  /** True where `count` numbers in a row are left in the current block. */
  has(count: number): boolean {
    return this.#state[SaField.sequence]! + count <= this.#end;
  }

  /**
   * Moves on to the next granted block; what was left of the current one is never used.
   * @returns the block, or undefined where none was granted
   */
  advance(): SequenceBlock | undefined {
    const block = this.#queued?.shift();
    if (block === undefined) return undefined;
    this.#use(block);
    return block;
  }

  /** The next number; take it with {@link take}. */
  next(): number {
    return this.#state[SaField.sequence]!;
  }

  /** Uses `count` numbers, after {@link has} said that they are there. */
  take(count: number): void {
    this.#state[SaField.sequence] = this.#state[SaField.sequence]! + count;
  }

  /** True once when numbers run low and no block was asked for since the last one. */
  shouldAsk(): boolean {
    if (this.#asked || (this.#queued?.length ?? 0) > 0) return false;
    // RFC 4303 §3.3.3: there is no number behind the last; the SA ends.
    if (this.#end >= this.#state[SaField.hardSequence]!) return false;
    if (this.#state[SaField.sequence]! + LOW_WATER_PACKETS < this.#end) return false;
    this.#asked = true;
    return true;
  }

  #use({ first, end }: SequenceBlock): void {
    const state = this.#state;
    state[SaField.sequence] = Math.max(first, state[SaField.sequence]!);
    state[SaField.blockEnd] = end;
    this.#end = end;
  }
}
