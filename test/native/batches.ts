// Small memories and readable rows for the tests of the native devices.

import {
  ADDRESS_CELL_BYTES,
  allocateBatchMemory,
  type BatchMemory,
  DatagramIn,
  DatagramOut,
  Frame,
  OutFrame,
  Vector,
} from '../../src/dataplane/batch-memory.ts';
import type { Devices } from '../../src/dataplane/devices.ts';

/** For threads that load it by themselves. */
export const ADDON_PATH: string = new URL('../../native/build/Release/isthmus_native.node', import.meta.url)
  .pathname;

export function smallMemory(): BatchMemory {
  return allocateBatchMemory({
    frames: 16,
    frameBytes: 4 * 65_536,
    sealJobs: 1,
    sealedBytes: 4 * 65_536,
    datagramsOut: 256,
    datagramsIn: 32,
    openJobs: 64,
  });
}

/** Bytes that differ from place to place. */
export function patternBytes(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) + seed * 31) & 0xff);
}

export interface Outgoing {
  readonly payload: Uint8Array;
  readonly endpoint?: number;
  readonly segmentLength?: number;
  readonly trafficClass?: number;
}

/** Sends the rows and returns their statuses. */
export function send(devices: Devices, memory: BatchMemory, rows: readonly Outgoing[]): number[] {
  let position = memory.sealedOffset;
  rows.forEach((row, index) => {
    const at = index * DatagramOut.stride;
    memory.arena.set(row.payload, position);
    memory.datagramsOut[at + DatagramOut.offset] = position;
    memory.datagramsOut[at + DatagramOut.length] = row.payload.length;
    memory.datagramsOut[at + DatagramOut.segmentLength] = row.segmentLength ?? 0;
    memory.datagramsOut[at + DatagramOut.endpoint] = row.endpoint ?? 0;
    memory.datagramsOut[at + DatagramOut.trafficClass] = row.trafficClass ?? 0;
    memory.datagramsOut[at + DatagramOut.status] = -1;
    position += row.payload.length;
  });
  devices.udpSend(rows.length);
  return rows.map((_, index) => memory.datagramsOut[index * DatagramOut.stride + DatagramOut.status]!);
}

export interface Incoming {
  readonly payload: Uint8Array;
  readonly segmentLength: number;
  readonly socket: number;
  readonly trafficClass: number;
  readonly source: Uint8Array;
  readonly sourcePort: number;
  readonly destination: Uint8Array;
  readonly family: number;
}

function incomingRow(memory: BatchMemory, index: number): Incoming {
  const cell = (field: number): number => memory.datagramsIn[index * DatagramIn.stride + field]!;
  const offset = cell(DatagramIn.offset);
  const family = cell(DatagramIn.family);
  const start = index * ADDRESS_CELL_BYTES;
  const end = start + (family === 4 ? 4 : 16);
  return {
    payload: memory.arena.slice(offset, offset + cell(DatagramIn.length)),
    segmentLength: cell(DatagramIn.segmentLength),
    socket: cell(DatagramIn.socket),
    trafficClass: cell(DatagramIn.trafficClass),
    source: memory.sources.slice(start, end),
    sourcePort: cell(DatagramIn.sourcePort),
    destination: memory.destinations.slice(start, end),
    family,
  };
}

/** Receives one batch; waits for the first datagram, five seconds at most. */
export function receive(devices: Devices, memory: BatchMemory): Incoming[] {
  devices.wait(5000);
  const count = devices.udpReceive();
  return Array.from({ length: count }, (_, index) => incomingRow(memory, index));
}

export interface FrameRead {
  readonly packet: Uint8Array;
  readonly flags: number;
  readonly gsoType: number;
  readonly segmentSize: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
  readonly offset: number;
}

/** Reads one batch of frames; waits for the first, `timeoutMs` at most. */
export function readFrames(devices: Devices, memory: BatchMemory, timeoutMs: number): FrameRead[] {
  devices.wait(timeoutMs);
  const count = devices.tunRead();
  return Array.from({ length: count }, (_, index) => {
    const cell = (field: number): number => memory.frames[index * Frame.stride + field]!;
    const offset = cell(Frame.offset);
    return {
      packet: memory.arena.slice(offset, offset + cell(Frame.length)),
      flags: cell(Frame.flags),
      gsoType: cell(Frame.gsoType),
      segmentSize: cell(Frame.segmentSize),
      checksumStart: cell(Frame.checksumStart),
      checksumOffset: cell(Frame.checksumOffset),
      offset,
    };
  });
}

export interface FrameToWrite {
  readonly vectors: readonly Uint8Array[];
  readonly flags?: number;
  readonly gsoType?: number;
  readonly headerLength?: number;
  readonly segmentSize?: number;
  readonly checksumStart?: number;
  readonly checksumOffset?: number;
}

/** Writes the frames. @returns how many the kernel took */
export function writeFrames(devices: Devices, memory: BatchMemory, frames: readonly FrameToWrite[]): number {
  let position = memory.sealedOffset;
  let vector = 0;
  frames.forEach((frame, index) => {
    const at = index * OutFrame.stride;
    memory.outFrames[at + OutFrame.firstVector] = vector;
    memory.outFrames[at + OutFrame.vectorCount] = frame.vectors.length;
    memory.outFrames[at + OutFrame.flags] = frame.flags ?? 0;
    memory.outFrames[at + OutFrame.gsoType] = frame.gsoType ?? 0;
    memory.outFrames[at + OutFrame.headerLength] = frame.headerLength ?? 0;
    memory.outFrames[at + OutFrame.segmentSize] = frame.segmentSize ?? 0;
    memory.outFrames[at + OutFrame.checksumStart] = frame.checksumStart ?? 0;
    memory.outFrames[at + OutFrame.checksumOffset] = frame.checksumOffset ?? 0;
    for (const bytes of frame.vectors) {
      memory.arena.set(bytes, position);
      memory.vectors[vector * Vector.stride + Vector.offset] = position;
      memory.vectors[vector * Vector.stride + Vector.length] = bytes.length;
      position += bytes.length;
      vector++;
    }
  });
  return devices.tunWrite(frames.length);
}
