import { once } from 'node:events';
import { createSocket, type Socket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAddress } from '../../../../src/base/address.ts';
import {
  allocateBatchMemory,
  DatagramIn,
  DatagramOut,
  Frame,
  OutFrame,
  Vector,
  type BatchMemory,
} from '../../../../src/dataplane/batch-memory.ts';
import {
  EventLoopDriver,
  type DriverDrop,
  type EventLoopDriverParts,
} from '../../../../src/dataplane/portable/event-loop-driver.ts';
import { bindDgramSockets, type DgramSocket } from '../../../../src/dataplane/udp/dgram-sockets.ts';
import { FakeTunStream } from '../../../support/fake-tun-stream.ts';

const LOOPBACK = '127.0.0.1';
const loopback = parseAddress(LOOPBACK) ?? { family: 4 as const, bytes: new Uint8Array(4) };

let memory: BatchMemory;
let tun: FakeTunStream;
let clearTun: FakeTunStream;
let sockets: DgramSocket[];
let peer: Socket;
let drops: DriverDrop[];
let driver: EventLoopDriver;

function newDriver(parts: Partial<EventLoopDriverParts> = {}): EventLoopDriver {
  return new EventLoopDriver({
    memory,
    tun,
    clearTun,
    sockets,
    now: () => 1,
    onDrop: (drop) => drops.push(drop),
    onError: (error) => {
      throw error;
    },
    ...parts,
  });
}

/** A packet path that sends frames to the peer and datagrams to the TUN, unchanged. */
function passThrough(): number {
  const { devices } = driver;
  const frames = devices.tunRead();
  for (let i = 0; i < frames; i++) {
    const { offset, length } = Frame;
    const row = i * DatagramOut.stride;
    memory.datagramsOut.fill(0, row, row + DatagramOut.stride);
    memory.datagramsOut[row + DatagramOut.offset] = memory.frames[i * Frame.stride + offset]!;
    memory.datagramsOut[row + DatagramOut.length] = memory.frames[i * Frame.stride + length]!;
  }
  devices.udpSend(frames);
  const datagrams = devices.udpReceive();
  for (let i = 0; i < datagrams; i++) {
    memory.vectors[i * Vector.stride + Vector.offset] =
      memory.datagramsIn[i * DatagramIn.stride + DatagramIn.offset]!;
    memory.vectors[i * Vector.stride + Vector.length] =
      memory.datagramsIn[i * DatagramIn.stride + DatagramIn.length]!;
    memory.outFrames.fill(0, i * OutFrame.stride, (i + 1) * OutFrame.stride);
    memory.outFrames[i * OutFrame.stride + OutFrame.firstVector] = i;
    memory.outFrames[i * OutFrame.stride + OutFrame.vectorCount] = 1;
  }
  devices.tunWrite(datagrams);
  return frames + datagrams;
}

beforeEach(async () => {
  memory = allocateBatchMemory();
  tun = new FakeTunStream();
  clearTun = new FakeTunStream();
  drops = [];
  sockets = await bindDgramSockets([{ address: loopback, port: 0 }], { bufferBytes: 65_536 });
  peer = createSocket('udp4');
  peer.bind(0, LOOPBACK);
  await once(peer, 'listening');
  driver = newDriver();
});

afterEach(async () => {
  await driver.stop();
  const closed = once(peer, 'close');
  peer.close();
  await closed;
});

describe('EventLoopDriver', () => {
  it('carries packets from the TUN to the peer and back', async () => {
    driver.devices.setEndpoint(0, 0, loopback.bytes, peer.address().port);
    driver.start(passThrough);
    const message = once(peer, 'message');
    tun.push(Buffer.from('outbound'));
    const [bytes] = (await message) as [Buffer];
    expect(bytes.toString()).toBe('outbound');

    const written = new Promise<void>((resolve) => {
      tun.onWritten = resolve;
    });
    peer.send('inbound', sockets[0]!.port, LOOPBACK);
    await written;
    expect(Buffer.from(tun.written[0] ?? []).toString()).toBe('inbound');
    expect(drops).toEqual([]);
  });

  it('takes one step for all packets of a turn of the event loop', async () => {
    const batches: number[] = [];
    const done = new Promise<void>((resolve) => {
      driver.start(() => {
        batches.push(driver.devices.tunRead());
        resolve();
      });
    });
    for (let i = 0; i < 20; i++) tun.emit('data', Buffer.of(i));
    expect(batches).toEqual([]);
    await done;
    expect(batches).toEqual([20]);
  });

  it('steps again for what a batch could not hold', async () => {
    const batches: number[] = [];
    const done = new Promise<void>((resolve) => {
      driver.start(() => {
        batches.push(driver.devices.tunRead());
        if (batches.length === 2) resolve();
      });
    });
    for (let i = 0; i < memory.limits.frames + 5; i++) tun.emit('data', Buffer.of(1));
    await done;
    expect(batches).toEqual([memory.limits.frames, 5]);
  });

  it('counts what its queues cannot hold', async () => {
    driver = newDriver({ queuedFrames: 2, queuedDatagrams: 1 });
    const stepped = new Promise<void>((resolve) => {
      driver.start(() => {
        driver.devices.tunRead();
        resolve();
      });
    });
    for (let i = 0; i < 5; i++) tun.emit('data', Buffer.of(1));
    expect(drops).toEqual(['tun-queue-full', 'tun-queue-full', 'tun-queue-full']);
    await stepped;
    tun.emit('data', Buffer.of(1));
    expect(drops).toHaveLength(3);
  });

  it('counts datagrams that its queue cannot hold', async () => {
    const full = new Promise<DriverDrop>((resolve) => {
      driver = newDriver({ onDrop: resolve, queuedDatagrams: 1 });
    });
    // A packet path that never gets to its datagrams.
    driver.start(() => 0);
    peer.send('first', sockets[0]!.port, LOOPBACK);
    peer.send('second', sockets[0]!.port, LOOPBACK);
    expect(await full).toBe('udp-queue-full');
  });

  it('counts a datagram that the kernel refused', async () => {
    const refused = new Promise<DriverDrop>((resolve) => {
      driver = newDriver({ onDrop: resolve });
    });
    driver.devices.setEndpoint(0, 0, loopback.bytes, 9);
    driver.start(passThrough);
    tun.emit('data', new Uint8Array(65_530));
    expect(await refused).toBe('udp-send-failed');
  });

  it('gives the TUN no more than may wait for it', () => {
    driver = newDriver({ tunQueueBytes: 250 });
    tun.takes = false;
    memory.vectors.set([0, 100]);
    for (let i = 0; i < 4; i++) memory.outFrames.set([0, 1, 0, 0, 0, 0, 0, 0], i * OutFrame.stride);
    expect(driver.devices.tunWrite(4)).toBe(2);
  });

  it('refuses a super-packet: a plain TUN cannot cut it', () => {
    memory.outFrames.set([0, 1, 1, 1, 52, 10, 20, 16]);
    expect(() => driver.devices.tunWrite(1)).toThrow(/coalescing must be off/u);
  });

  it('steps when it is woken, and never after it was stopped', async () => {
    let steps = 0;
    const stepped = new Promise<void>((resolve) => {
      driver.start(() => {
        steps++;
        resolve();
      });
    });
    driver.wake();
    await stepped;
    driver.wake();
    await driver.stop();
    expect(tun.released).toBe(true);
    driver.wake();
    await new Promise((resolve) => setImmediate(resolve));
    expect(steps).toBe(1);
    // afterEach stops what it finds.
    sockets = await bindDgramSockets([{ address: loopback, port: 0 }], { bufferBytes: 65_536 });
    driver = newDriver();
  });
});
