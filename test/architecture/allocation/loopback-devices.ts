// Devices that allocate nothing: the same frames from the TUN in every batch, and what is sent comes back in.

import { Frame, type BatchMemory } from '../../../src/dataplane/batch-memory.ts';
import type { Devices } from '../../../src/dataplane/devices.ts';
import { MirrorDevices, type ExampleFrame } from '../../../src/dataplane/rehearsal/mirror-devices.ts';

export class LoopbackDevices extends MirrorDevices implements Devices {
  readonly #memory: BatchMemory;
  readonly #frames: readonly ExampleFrame[];

  constructor(memory: BatchMemory, frames: readonly ExampleFrame[]) {
    super(memory, frames);
    this.#memory = memory;
    this.#frames = frames;
  }

  override tunRead(): number {
    const { arena, frames, framesOffset } = this.#memory;
    let offset = framesOffset;
    for (let i = 0; i < this.#frames.length; i++) {
      const frame = this.#frames[i]!;
      const row = i * Frame.stride;
      arena.set(frame.bytes, offset);
      frames[row + Frame.offset] = offset;
      frames[row + Frame.length] = frame.bytes.length;
      frames[row + Frame.flags] = 0;
      frames[row + Frame.gsoType] = frame.gsoType;
      frames[row + Frame.segmentSize] = frame.segmentSize;
      offset += frame.bytes.length;
    }
    return this.#frames.length;
  }

  override udpReceive(): number {
    this.#memory.clock[0] = this.#memory.clock[0]! + 1;
    return super.udpReceive();
  }
}
