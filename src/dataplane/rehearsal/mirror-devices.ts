// The devices of a rehearsal, in place of those of the addon: one frame in each batch, and what is sent comes back at once.
// Nothing leaves this memory.

import { monotonicMs } from '../../base/clock.ts';
import {
  ADDRESS_CELL_BYTES,
  DatagramIn,
  DatagramOut,
  Frame,
  RECEIVE_SLOT_BYTES,
  type BatchMemory,
} from '../batch-memory.ts';
import type { NativeDevicesHandle } from '../native/addon.ts';

/** A frame as the TUN hands it over. */
export interface ExampleFrame {
  readonly bytes: Uint8Array;
  /** See {@link GsoType}. */
  readonly gsoType: number;
  readonly segmentSize: number;
}

export class MirrorDevices implements NativeDevicesHandle {
  readonly #memory: BatchMemory;
  readonly #examples: readonly ExampleFrame[];
  #read = 0;
  #sent = 0;
  /** Frames that came back, which nobody gets. */
  written = 0;

  /** @param examples taken in turns, one in each batch */
  constructor(memory: BatchMemory, examples: readonly ExampleFrame[]) {
    this.#memory = memory;
    this.#examples = examples;
  }

  wait(): number {
    return 0;
  }

  tunRead(): number {
    const { arena, frames, framesOffset, clock } = this.#memory;
    const example = this.#examples[this.#read++ % this.#examples.length]!;
    arena.set(example.bytes, framesOffset);
    frames[Frame.offset] = framesOffset;
    frames[Frame.length] = example.bytes.length;
    frames[Frame.flags] = 0;
    frames[Frame.gsoType] = example.gsoType;
    frames[Frame.segmentSize] = example.segmentSize;
    clock[0] = monotonicMs();
    return 1;
  }

  tunWrite(count: number): number {
    this.written += count;
    return count;
  }

  clearWrite(count: number): number {
    return count;
  }

  udpSend(count: number): void {
    const { arena, datagramsIn, datagramsOut, limits, receivedOffset, sources } = this.#memory;
    this.#sent = Math.min(count, limits.datagramsIn);
    for (let i = 0; i < this.#sent; i++) {
      const out = i * DatagramOut.stride;
      const row = i * DatagramIn.stride;
      const slot = receivedOffset + i * RECEIVE_SLOT_BYTES;
      const start = datagramsOut[out + DatagramOut.offset]!;
      const length = datagramsOut[out + DatagramOut.length]!;
      arena.copyWithin(slot, start, start + length);
      datagramsOut[out + DatagramOut.status] = 0;
      datagramsIn[row + DatagramIn.offset] = slot;
      datagramsIn[row + DatagramIn.length] = length;
      datagramsIn[row + DatagramIn.segmentLength] = datagramsOut[out + DatagramOut.segmentLength]!;
      datagramsIn[row + DatagramIn.trafficClass] = datagramsOut[out + DatagramOut.trafficClass]!;
      datagramsIn[row + DatagramIn.family] = 4;
      sources.fill(0, i * ADDRESS_CELL_BYTES, (i + 1) * ADDRESS_CELL_BYTES);
    }
  }

  udpReceive(): number {
    const count = this.#sent;
    this.#sent = 0;
    return count;
  }

  setEndpoint(): void {
    // Everything comes back.
  }

  expectMoreFrom(): void {
    // Everything comes as fast as it can.
  }
}
