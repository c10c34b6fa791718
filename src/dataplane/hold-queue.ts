// Packets that wait for an SA, in the order in which they came, in memory that is allocated once: blocks of a fixed size,
// each packet a chain of them. Nobody can take it all: whoever holds blocks gets more only while as many are left free,
// so the first of many waiters has half of the memory at most, and nothing that waits is thrown out for another.

import type { SpdEntry } from '../spd/snapshot.ts';
import { Frame, HOLD_BYTES, type BatchMemory } from './batch-memory.ts';

const BLOCK_BYTES = 1024;
const BLOCKS = HOLD_BYTES / BLOCK_BYTES;
const NO_BLOCK = -1;
/** RFC 4301 leaves the time open; who sends TCP has tried again several times by then. */
const LONGEST_WAIT_MS = 30_000;

/** Whom packets wait for; those with one share count as one. */
export interface Waiter {
  readonly policy: SpdEntry;
  readonly share: { blocks: number };
}

/** Is shown a packet before it is thrown away; its bytes lie in the scratch room until return. */
export type ShowDropped = (offset: number, length: number, policy: SpdEntry | undefined) => void;

export class HoldQueue {
  readonly #memory: BatchMemory;
  /** A Frame row for each packet, with its first block in place of the offset. */
  readonly #packets = new Int32Array(BLOCKS * Frame.stride);
  /** When a packet came first; monotonic milliseconds. */
  readonly #sinceMs = new Float64Array(BLOCKS);
  /** undefined: released. */
  readonly #waiters = new Array<Waiter | undefined>(BLOCKS).fill(undefined);
  #length = 0;
  #released = 0;
  readonly #nextBlock = Int16Array.from({ length: BLOCKS }, (_, block) =>
    block + 1 < BLOCKS ? block + 1 : NO_BLOCK,
  );
  #firstFree = 0;
  #free = BLOCKS;
  /** Of the frames that {@link load} loaded last. */
  readonly #loadedSinceMs: Float64Array;
  #loaded = 0;
  /** Monotonic milliseconds at which {@link expire} has something to do. */
  nextMs: number = Infinity;

  constructor(memory: BatchMemory) {
    this.#memory = memory;
    this.#loadedSinceMs = new Float64Array(memory.limits.frames);
  }

  get hasReleased(): boolean {
    return this.#released > 0;
  }

  /** The frames of the next batch come from the TUN. */
  startBatch(): void {
    this.#loaded = 0;
  }

  /** Copies the frame of a row, and all that its row says. @returns false where there is no room for it */
  hold(row: number, waiter: Waiter): boolean {
    const { arena, clock, frames } = this.#memory;
    const length = frames[row + Frame.length]!;
    const needed = blocksOf(length);
    if (waiter.share.blocks + needed > this.#free - needed) return false;
    const at = this.#length++;
    for (let cell = 0; cell < Frame.stride; cell++)
      this.#packets[at * Frame.stride + cell] = frames[row + cell]!;
    this.#packets[at * Frame.stride + Frame.offset] = this.#firstFree;
    const start = frames[row + Frame.offset]!;
    let last = NO_BLOCK;
    for (let done = 0; done < length; done += BLOCK_BYTES) {
      const to = this.#blockOffset(this.#firstFree);
      arena.copyWithin(to, start + done, start + Math.min(length, done + BLOCK_BYTES));
      last = this.#firstFree;
      this.#firstFree = this.#nextBlock[last]!;
    }
    this.#nextBlock[last] = NO_BLOCK;
    this.#free -= needed;
    waiter.share.blocks += needed;
    this.#waiters[at] = waiter;
    const index = row / Frame.stride;
    const sinceMs = index < this.#loaded ? this.#loadedSinceMs[index]! : clock[0]!;
    this.#sinceMs[at] = sinceMs;
    this.nextMs = Math.min(this.nextMs, sinceMs + LONGEST_WAIT_MS);
    return true;
  }

  /** Lets go of what waits for one; {@link load} brings it back. */
  release(waiter: Waiter): void {
    for (let at = 0; at < this.#length; at++) if (this.#waiters[at] === waiter) this.#release(at);
  }

  releaseShare(share: Waiter['share']): void {
    for (let at = 0; at < this.#length; at++) if (this.#waiters[at]?.share === share) this.#release(at);
  }

  releaseAll(): void {
    for (let at = 0; at < this.#length; at++) if (this.#waiters[at] !== undefined) this.#release(at);
  }

  /** Throws away what waits for one. @returns how many packets */
  drop(waiter: Waiter, show?: ShowDropped): number {
    return this.#remove((at) => this.#waiters[at] === waiter, show);
  }

  /** Throws away what has waited too long. @returns how many packets */
  expire(show?: ShowDropped): number {
    const nowMs = this.#memory.clock[0]!;
    const dropped = this.#remove(
      (at) => this.#waiters[at] !== undefined && this.#sinceMs[at]! + LONGEST_WAIT_MS <= nowMs,
      show,
    );
    this.nextMs = Infinity;
    for (let at = 0; at < this.#length; at++)
      if (this.#waiters[at] !== undefined)
        this.nextMs = Math.min(this.nextMs, this.#sinceMs[at]! + LONGEST_WAIT_MS);
    return dropped;
  }

  /** Puts released packets into Frame rows as if they came from the TUN, oldest first. @returns how many */
  load(): number {
    const { frames, framesOffset, limits } = this.#memory;
    const end = framesOffset + limits.frameBytes;
    let offset = framesOffset;
    let count = 0;
    let isFull = false;
    this.#remove((at) => {
      const from = at * Frame.stride;
      const length = this.#packets[from + Frame.length]!;
      // Those behind one that has no room wait with it.
      isFull ||= this.#waiters[at] === undefined && (count === limits.frames || offset + length > end);
      if (isFull || this.#waiters[at] !== undefined) return false;
      const row = count * Frame.stride;
      for (let cell = 0; cell < Frame.stride; cell++) frames[row + cell] = this.#packets[from + cell]!;
      frames[row + Frame.offset] = offset;
      this.#copyOut(this.#packets[from + Frame.offset]!, offset, length);
      this.#loadedSinceMs[count] = this.#sinceMs[at]!;
      offset += length;
      count++;
      return true;
    });
    this.#loaded = count;
    return count;
  }

  #release(at: number): void {
    const waiter = this.#waiters[at];
    if (waiter !== undefined) waiter.share.blocks -= this.#blocksAt(at);
    this.#waiters[at] = undefined;
    this.#released++;
  }

  #copyOut(first: number, to: number, length: number): void {
    let block = first;
    for (let done = 0; done < length; done += BLOCK_BYTES) {
      const from = this.#blockOffset(block);
      this.#memory.arena.copyWithin(to + done, from, from + Math.min(BLOCK_BYTES, length - done));
      block = this.#nextBlock[block]!;
    }
  }

  /** Takes packets out, frees their blocks and closes the gaps. @returns how many they were */
  #remove(isMeant: (at: number) => boolean, show?: ShowDropped): number {
    let kept = 0;
    for (let at = 0; at < this.#length; at++) {
      if (isMeant(at)) {
        if (show !== undefined) this.#show(at, show);
        this.#giveBack(at);
        continue;
      }
      if (kept !== at) {
        this.#packets.copyWithin(kept * Frame.stride, at * Frame.stride, (at + 1) * Frame.stride);
        this.#sinceMs[kept] = this.#sinceMs[at]!;
        this.#waiters[kept] = this.#waiters[at];
      }
      kept++;
    }
    const removed = this.#length - kept;
    this.#waiters.fill(undefined, kept, this.#length);
    this.#length = kept;
    return removed;
  }

  #show(at: number, show: ShowDropped): void {
    const { scratchOffset } = this.#memory;
    const from = at * Frame.stride;
    const length = this.#packets[from + Frame.length]!;
    this.#copyOut(this.#packets[from + Frame.offset]!, scratchOffset, length);
    show(scratchOffset, length, this.#waiters[at]?.policy);
  }

  #giveBack(at: number): void {
    const waiter = this.#waiters[at];
    const blocks = this.#blocksAt(at);
    if (waiter === undefined) this.#released--;
    else waiter.share.blocks -= blocks;
    const first = this.#packets[at * Frame.stride + Frame.offset]!;
    let last = first;
    for (let step = 1; step < blocks; step++) last = this.#nextBlock[last]!;
    this.#nextBlock[last] = this.#firstFree;
    this.#firstFree = first;
    this.#free += blocks;
  }

  #blocksAt(at: number): number {
    return blocksOf(this.#packets[at * Frame.stride + Frame.length]!);
  }

  #blockOffset(block: number): number {
    return this.#memory.holdOffset + block * BLOCK_BYTES;
  }
}

/** A packet that was judged has a header at least. */
function blocksOf(length: number): number {
  return Math.ceil(length / BLOCK_BYTES);
}
