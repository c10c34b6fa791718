// Devices that allocate nothing: the same frames from the TUN in every batch, and what is sent comes back in.

import {
  ADDRESS_CELL_BYTES,
  DatagramIn,
  DatagramOut,
  Frame,
  RECEIVE_SLOT_BYTES,
  type BatchMemory,
} from '../../../src/dataplane/batch-memory.ts';
import { Ready, type Devices } from '../../../src/dataplane/devices.ts';

export interface TemplateFrame {
  readonly bytes: Uint8Array;
  readonly gsoType: number;
  readonly segmentSize: number;
}

export class LoopbackDevices implements Devices {
  readonly #memory: BatchMemory;
  readonly #frames: readonly TemplateFrame[];
  #sent = 0;
  /** Frames that came back to the TUN. */
  written = 0;
  writtenInClear = 0;

  constructor(memory: BatchMemory, frames: readonly TemplateFrame[]) {
    this.#memory = memory;
    this.#frames = frames;
  }

  wait(): number {
    return Ready.tun;
  }

  tunRead(): number {
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

  tunWrite(count: number): number {
    this.written += count;
    return count;
  }

  clearWrite(count: number): number {
    this.writtenInClear += count;
    return count;
  }

  udpSend(count: number): void {
    const { arena, datagramsIn, datagramsOut, limits, receivedOffset, sources } = this.#memory;
    // What finds no room is lost, as on a wire.
    const taken = Math.min(count, limits.datagramsIn);
    for (let i = 0; i < taken; i++) {
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
      sources[i * ADDRESS_CELL_BYTES] = 127;
    }
    this.#sent = taken;
  }

  udpReceive(): number {
    const count = this.#sent;
    this.#sent = 0;
    this.#memory.clock[0] = this.#memory.clock[0]! + 1;
    return count;
  }

  setEndpoint(): void {
    // Everything comes back.
  }
}
