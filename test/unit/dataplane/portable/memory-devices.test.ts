import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  ADDRESS_CELL_BYTES,
  allocateBatchMemory,
  DatagramIn,
  DatagramOut,
  DEFAULT_BATCH_LIMITS,
  Frame,
  GsoType,
  MAX_FRAME_BYTES,
  OutFrame,
  Vector,
  type BatchMemory,
} from '../../../../src/dataplane/batch-memory.ts';
import { Ready } from '../../../../src/dataplane/devices.ts';
import {
  MemoryDevices,
  type SentDatagram,
  type TunFrameOut,
} from '../../../../src/dataplane/portable/memory-devices.ts';

interface Bench {
  readonly memory: BatchMemory;
  readonly devices: MemoryDevices;
  readonly frames: TunFrameOut[];
  readonly datagrams: SentDatagram[];
}

function newBench(errnoOf: (datagram: SentDatagram) => number = () => 0): Bench {
  const memory = allocateBatchMemory({ ...DEFAULT_BATCH_LIMITS, frames: 4, datagramsIn: 3 });
  const frames: TunFrameOut[] = [];
  const datagrams: SentDatagram[] = [];
  const devices = new MemoryDevices(memory, {
    onFrame: (frame) => {
      frames.push(frame);
      return frame.bytes.length < 100;
    },
    onDatagram: (datagram) => {
      datagrams.push(datagram);
      return errnoOf(datagram);
    },
    now: () => 1234.5,
    queuedFrames: 6,
    queuedDatagrams: 5,
  });
  return { memory, devices, frames, datagrams };
}

describe('the TUN side', () => {
  it('fills Frame rows in order, a batch at a time, and sets the clock', () => {
    const { memory, devices } = newBench();
    expect(devices.tunRead()).toBe(0);
    for (let i = 0; i < 6; i++)
      expect(devices.pushFrame({ bytes: new Uint8Array(10 + i).fill(i) })).toBe(true);
    expect(devices.pushFrame({ bytes: new Uint8Array(1) })).toBe(false);
    expect(devices.wait()).toBe(Ready.tun);
    expect(devices.tunRead()).toBe(4);
    expect(memory.clock[0]).toBe(1234.5);
    for (let i = 0; i < 4; i++) {
      const offset = memory.frames[i * Frame.stride + Frame.offset]!;
      const length = memory.frames[i * Frame.stride + Frame.length]!;
      expect(memory.arena.slice(offset, offset + length)).toEqual(new Uint8Array(10 + i).fill(i));
    }
    expect(devices.hasInput).toBe(true);
    expect(devices.tunRead()).toBe(2);
    expect(devices.hasInput).toBe(false);
    expect(devices.wait()).toBe(0);
  });

  it('hands over the virtio-net fields, and clears those of the batch before', () => {
    const { memory, devices } = newBench();
    const fields = { flags: 1, gsoType: GsoType.tcp4, headerLength: 52, segmentSize: 1400 };
    devices.pushFrame({ bytes: new Uint8Array(9), ...fields, checksumStart: 20, checksumOffset: 16 });
    devices.tunRead();
    expect([...memory.frames.subarray(1, Frame.stride)]).toEqual([9, 1, GsoType.tcp4, 52, 1400, 20, 16]);
    devices.pushFrame({ bytes: new Uint8Array(0) });
    devices.tunRead();
    expect([...memory.frames.subarray(1, Frame.stride)]).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  it('reads no frame for which there might be no room', () => {
    const { memory, devices } = newBench();
    const small = allocateBatchMemory({ ...memory.limits, frameBytes: 2 * MAX_FRAME_BYTES });
    const tight = new MemoryDevices(small, { onFrame: () => true, onDatagram: () => 0, now: () => 0 });
    for (let i = 0; i < 3; i++) tight.pushFrame({ bytes: new Uint8Array(60_000) });
    expect([tight.tunRead(), tight.tunRead()]).toEqual([2, 1]);
    expect(devices.pushFrame({ bytes: new Uint8Array(MAX_FRAME_BYTES + 1) })).toBe(false);
  });

  it('puts the vectors of a frame together and counts what was taken', () => {
    const { memory, devices, frames } = newBench();
    memory.arena.set([1, 2, 3, 4, 5, 6, 7, 8], 100);
    memory.vectors.set([100, 3, 105, 2, 0, 100, 107, 1]);
    memory.outFrames.set([0, 2, 1, GsoType.udpL4, 28, 7, 20, 6], 0);
    memory.outFrames.set([2, 1, 0, 0, 0, 0, 0, 0], OutFrame.stride);
    memory.outFrames.set([3, 1, 0, 0, 0, 0, 0, 0], 2 * OutFrame.stride);
    expect(Vector.stride).toBe(2);
    // The second frame is one that onFrame refuses.
    expect(devices.tunWrite(3)).toBe(2);
    memory.arena.fill(0);
    expect(frames.map(({ bytes }) => bytes.length)).toEqual([5, 100, 1]);
    expect(frames[0]).toEqual({
      bytes: Uint8Array.of(1, 2, 3, 6, 7),
      flags: 1,
      gsoType: GsoType.udpL4,
      headerLength: 28,
      segmentSize: 7,
      checksumStart: 20,
      checksumOffset: 6,
    });
    expect(frames[2]?.bytes).toEqual(Uint8Array.of(8));
  });
});

describe('the UDP side', () => {
  it('fills DatagramIn rows, sources and destinations', () => {
    const { memory, devices } = newBench();
    memory.destinations.fill(0xee);
    const v4 = Uint8Array.of(192, 0, 2, 1);
    const v6 = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
    devices.pushDatagram({ bytes: Uint8Array.of(9, 8), sourceAddress: v6, sourcePort: 500 });
    devices.pushDatagram({
      bytes: Uint8Array.of(7),
      sourceAddress: v4,
      sourcePort: 4500,
      destinationAddress: Uint8Array.of(192, 0, 2, 9),
      socket: 1,
      trafficClass: 3,
      segmentLength: 1,
    });
    expect(devices.wait()).toBe(Ready.udp);
    expect(devices.udpReceive()).toBe(2);
    const row = (index: number): number[] => [
      ...memory.datagramsIn.subarray(index * DatagramIn.stride + 1, index * DatagramIn.stride + 7),
    ];
    expect(row(0)).toEqual([2, 0, 0, 0, 500, 6]);
    expect(row(1)).toEqual([1, 1, 1, 3, 4500, 4]);
    expect(memory.sources.slice(0, 16)).toEqual(v6);
    expect(memory.sources.slice(ADDRESS_CELL_BYTES, ADDRESS_CELL_BYTES + 4)).toEqual(v4);
    const unknown = new Array<number>(ADDRESS_CELL_BYTES).fill(0);
    expect([...memory.destinations.subarray(0, 2 * ADDRESS_CELL_BYTES)]).toEqual([
      ...unknown,
      ...[192, 0, 2, 9, ...unknown.slice(4)],
    ]);
    const offset = memory.datagramsIn[DatagramIn.offset]!;
    expect([...memory.arena.subarray(offset, offset + 2)]).toEqual([9, 8]);
  });

  it('is bounded, in the queue and in the batch', () => {
    const { devices } = newBench();
    const push = (): boolean =>
      devices.pushDatagram({ bytes: new Uint8Array(1), sourceAddress: new Uint8Array(4), sourcePort: 1 });
    expect(Array.from({ length: 6 }, push)).toEqual([true, true, true, true, true, false]);
    expect([devices.udpReceive(), devices.udpReceive(), devices.udpReceive()]).toEqual([3, 2, 0]);
  });

  it('splits a train, and reports the errno of the datagram that failed', () => {
    const { EMSGSIZE } = constants.errno;
    const { memory, devices, datagrams } = newBench(({ bytes }) => (bytes[0] === 66 ? EMSGSIZE : 0));
    const address = Uint8Array.of(192, 0, 2, 7);
    devices.setEndpoint(5, 1, address, 4500);
    address.fill(0);
    memory.arena.set([1, 2, 3, 4, 5, 66, 67], 50);
    const { stride } = DatagramOut;
    memory.datagramsOut.set([50, 5, 2, 5, 0xb8, -1], 0);
    memory.datagramsOut.set([55, 2, 1, 5, 0, -1], stride);
    memory.datagramsOut.set([50, 1, 0, 5, 0, -1], 2 * stride);
    devices.udpSend(3);
    expect([0, 1, 2].map((i) => memory.datagramsOut[i * stride + DatagramOut.status])).toEqual([
      0,
      EMSGSIZE,
      0,
    ]);
    expect(datagrams.map(({ bytes }) => [...bytes])).toEqual([[1, 2], [3, 4], [5], [66], [1]]);
    expect(datagrams[0]).toMatchObject({
      socket: 1,
      port: 4500,
      trafficClass: 0xb8,
      address: Uint8Array.of(192, 0, 2, 7),
    });
  });

  it('throws for an endpoint that was never set', () => {
    const { memory, devices } = newBench();
    memory.datagramsOut.set([0, 1, 0, 9, 0, -1], 0);
    expect(() => {
      devices.udpSend(1);
    }).toThrow(RangeError);
  });
});

it('the wake-up is taken by the wait', () => {
  const { devices } = newBench();
  devices.signalWakeup();
  expect([devices.wait(), devices.wait()]).toEqual([Ready.wakeup, 0]);
});
