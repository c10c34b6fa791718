// Joins decrypted packets of a flow into super-packets for the TUN, and lists the runs of bytes they are made of.
// The order of a flow is kept; frames leave in the order of their first packets. Nothing waits beyond a batch.

import { InnerPacket, OutFrame, Vector, type BatchMemory } from '../batch-memory.ts';
import type { EngineOptions } from '../engine.ts';
import { PROTOCOL_TCP } from '../../wire/protocol-numbers.ts';
import { CoalescingGroup } from './coalescing-group.ts';
import { checkRange } from './descriptor-check.ts';
import { InnerHeader } from './inner-header.ts';

const MAX_OPEN_GROUPS = 16;
const END_OF_FRAME = -1;

export class Coalescer {
  readonly #memory: BatchMemory;
  readonly #options: EngineOptions;
  readonly #header = new InnerHeader();
  /** The first `#openCount` are open, the oldest first; the others wait to be used again. */
  readonly #groups: CoalescingGroup[] = Array.from({ length: MAX_OPEN_GROUPS }, () => new CoalescingGroup());
  #openCount = 0;
  #frameCount = 0;
  /** Per frame: its first and its last packet. */
  readonly #first: Int32Array;
  readonly #last: Int32Array;
  /** Per packet: the next one of its frame, or END_OF_FRAME. */
  readonly #next: Int32Array;

  constructor(memory: BatchMemory, options: EngineOptions) {
    this.#memory = memory;
    this.#options = options;
    this.#first = new Int32Array(memory.limits.openJobs);
    this.#last = new Int32Array(memory.limits.openJobs);
    this.#next = new Int32Array(memory.limits.openJobs);
  }

  /** @returns the number of OutFrame rows */
  coalesce(count: number): number {
    this.#frameCount = 0;
    this.#openCount = 0;
    for (let i = 0; i < count; i++) this.#take(i);
    this.#closeAll();
    this.#writeVectors();
    return this.#frameCount;
  }

  #take(packet: number): void {
    const { arena, innerPackets } = this.#memory;
    const offset = innerPackets[packet * InnerPacket.stride + InnerPacket.offset]!;
    const length = innerPackets[packet * InnerPacket.stride + InnerPacket.length]!;
    checkRange(arena, offset, length, 'inner packet');
    this.#next[packet] = END_OF_FRAME;

    const header = this.#header;
    if (!header.parse(arena, offset, length)) {
      // It may belong to any flow (a fragment, for one), so nothing may overtake it.
      this.#closeAll();
      this.#startFrame(packet);
      return;
    }
    const open = this.#findOpen(header);
    if (!this.#isWanted(header) || !header.isEligible(arena)) {
      if (open >= 0) this.#close(open);
      this.#startFrame(packet);
      return;
    }
    if (open >= 0) {
      const group = this.#groups[open]!;
      if (group.accepts(arena, header)) {
        group.append(arena, header);
        this.#next[this.#last[group.frame]!] = packet;
        this.#last[group.frame] = packet;
        if (group.isComplete) this.#close(open);
        return;
      }
      this.#close(open);
    }
    this.#startGroup(packet);
  }

  #isWanted(header: InnerHeader): boolean {
    return header.protocol === PROTOCOL_TCP ? this.#options.coalesceTcp : this.#options.coalesceUdp;
  }

  /** @returns the index of the open group of the packet's flow, or -1 */
  #findOpen(header: InnerHeader): number {
    for (let i = 0; i < this.#openCount; i++) {
      if (this.#groups[i]!.isFlowOf(this.#memory.arena, header)) return i;
    }
    return -1;
  }

  /** Gives the packet a frame of its own. @returns its row */
  #startFrame(packet: number): number {
    const frame = this.#frameCount++;
    this.#first[frame] = packet;
    this.#last[frame] = packet;
    this.#memory.outFrames.fill(0, frame * OutFrame.stride, (frame + 1) * OutFrame.stride);
    return frame;
  }

  #startGroup(packet: number): void {
    if (this.#openCount === MAX_OPEN_GROUPS) this.#close(0);
    const open = this.#openCount++;
    const group = this.#groups[open]!;
    group.start(this.#memory.arena, this.#header, this.#startFrame(packet));
    if (group.isComplete) this.#close(open);
  }

  #close(open: number): void {
    const groups = this.#groups;
    const group = groups[open]!;
    group.finish(this.#memory.arena, this.#memory.outFrames);
    this.#openCount--;
    for (let i = open; i < this.#openCount; i++) groups[i] = groups[i + 1]!;
    groups[this.#openCount] = group;
  }

  #closeAll(): void {
    while (this.#openCount > 0) this.#close(this.#openCount - 1);
  }

  /** The first packet whole, then the payloads of the others. */
  #writeVectors(): void {
    const { innerPackets, outFrames, vectors } = this.#memory;
    let vector = 0;
    for (let frame = 0; frame < this.#frameCount; frame++) {
      const row = frame * OutFrame.stride;
      const firstVector = vector;
      let skip = 0;
      for (let packet = this.#first[frame]!; packet !== END_OF_FRAME; packet = this.#next[packet]!) {
        const inner = packet * InnerPacket.stride;
        vectors[vector * Vector.stride + Vector.offset] = innerPackets[inner + InnerPacket.offset]! + skip;
        vectors[vector * Vector.stride + Vector.length] = innerPackets[inner + InnerPacket.length]! - skip;
        vector++;
        skip = outFrames[row + OutFrame.headerLength]!;
      }
      outFrames[row + OutFrame.firstVector] = firstVector;
      outFrames[row + OutFrame.vectorCount] = vector - firstVector;
    }
  }
}
