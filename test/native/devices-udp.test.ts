// The native UDP devices over loopback: batches, trains, traffic classes, errors of rows.

import { once } from 'node:events';
import { constants } from 'node:os';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { type BatchMemory, DatagramIn, DatagramOut } from '../../src/dataplane/batch-memory.ts';
import { Ready } from '../../src/dataplane/devices.ts';
import type { Devices } from '../../src/dataplane/devices.ts';
import type { UdpOptions } from '../../src/dataplane/native/addon.ts';
import { loadAddon } from '../../src/dataplane/native/load-addon.ts';
import { createNativeDevices } from '../../src/dataplane/native/native-devices.ts';
import { bytesOf } from '../support/packets.ts';
import { ADDON_PATH, patternBytes, receive, send, smallMemory } from './batches.ts';

const addon = loadAddon();
const opened: number[] = [];

afterEach(() => {
  for (const fd of opened.splice(0)) addon.closeDescriptor(fd);
});

function open(address: string, options: Partial<UdpOptions> = {}): { fd: number; port: number } {
  const socket = addon.openUdp({
    address: bytesOf(address),
    port: 0,
    mark: 0,
    reusePort: false,
    peer: false,
    bufferBytes: 1 << 20,
    gso: true,
    gro: true,
    ...options,
  });
  opened.push(socket.fd);
  return socket;
}

interface Side {
  readonly devices: Devices;
  readonly memory: BatchMemory;
  readonly port: number;
}

function side(address: string, options: Partial<UdpOptions> = {}, memory: BatchMemory = smallMemory()): Side {
  const socket = open(address, options);
  const devices = createNativeDevices(addon, memory, {
    tun: -1,
    sockets: [socket.fd],
    gso: [options.gso ?? true],
    wakeup: -1,
  });
  return { devices, memory, port: socket.port };
}

function sideWithWakeup(): { devices: Devices; memory: BatchMemory; wakeup: number } {
  const memory = smallMemory();
  const socket = open('127.0.0.1');
  const wakeup = addon.createWakeup();
  opened.push(wakeup);
  const devices = createNativeDevices(addon, memory, { tun: -1, sockets: [socket.fd], wakeup });
  devices.setEndpoint(0, 0, bytesOf('127.0.0.1'), socket.port);
  return { devices, memory, wakeup };
}

function pair(
  address: string,
  sender: Partial<UdpOptions> = {},
  receiver: Partial<UdpOptions> = {},
): [Side, Side] {
  const from = side(address, sender);
  const to = side(address, receiver);
  from.devices.setEndpoint(0, 0, bytesOf(address), to.port);
  return [from, to];
}

test.each([
  ['IPv4', '127.0.0.1'],
  ['IPv6', '::1'],
])('one datagram leaves by a socket without devices, behind a marker or not, over %s', (_name, address) => {
  const from = open(address);
  const to = side(address, { gro: false });
  const payload = patternBytes(300);
  expect(addon.sendDatagram(from.fd, true, bytesOf(address), to.port, payload)).toBe(0);
  expect(addon.sendDatagram(from.fd, false, bytesOf(address), to.port, payload)).toBe(0);
  const received = receive(to.devices, to.memory);
  expect(received.map((datagram) => datagram.payload)).toEqual([
    Uint8Array.of(0, 0, 0, 0, ...payload),
    payload,
  ]);
  expect(received.map((datagram) => datagram.sourcePort)).toEqual([from.port, from.port]);
});

test('one datagram that the kernel refuses is its errno, and nothing is thrown', () => {
  const { fd } = open('127.0.0.1');
  const bytes = patternBytes(66_000);
  expect(addon.sendDatagram(fd, false, bytesOf('127.0.0.1'), 9, bytes)).toBe(constants.errno.EMSGSIZE);
  expect(addon.sendDatagram(-1, false, bytesOf('127.0.0.1'), 9, bytes)).toBe(constants.errno.EBADF);
});

test.each([
  [
    'an address of another length',
    () => addon.sendDatagram(3, false, new Uint8Array(5), 9, new Uint8Array(1)),
    'address',
  ],
  ['a port', () => addon.sendDatagram(3, false, new Uint8Array(4), 65_536, new Uint8Array(1)), 'port'],
])('%s that is none is refused', (_name, call, field) => {
  expect(call).toThrow(new RegExp(`^${field}: `));
});

test.each([
  ['IPv4', '127.0.0.1', 4],
  ['IPv6', '::1', 6],
])('a datagram arrives with source, port and traffic class over %s', (_name, address, family) => {
  const [from, to] = pair(address);
  const payload = patternBytes(1200);
  expect(send(from.devices, from.memory, [{ payload, trafficClass: 0xba }])).toEqual([0]);
  expect(receive(to.devices, to.memory)).toEqual([
    {
      payload,
      segmentLength: 0,
      socket: 0,
      trafficClass: 0xba,
      source: bytesOf(address),
      sourcePort: from.port,
      destination: bytesOf(address),
      family,
    },
  ]);
  expect(to.devices.udpReceive()).toBe(0);
});

test('a socket on the wildcard address says where each datagram and each train was sent to', () => {
  const from = side('127.0.0.1');
  const to = side('0.0.0.0');
  const addresses = ['127.0.0.2', '127.0.0.1', '127.44.0.3'];
  addresses.forEach((address, endpoint) => {
    from.devices.setEndpoint(endpoint, 0, bytesOf(address), to.port);
  });
  to.memory.destinations.fill(0xee);
  send(
    from.devices,
    from.memory,
    addresses.map((_, endpoint) => ({ payload: patternBytes(20), endpoint, segmentLength: endpoint * 10 })),
  );
  const rows = receive(to.devices, to.memory);
  expect(rows.map((row) => row.destination)).toEqual(addresses.map(bytesOf));
  expect(rows.map((row) => row.source)).toEqual(addresses.map(() => bytesOf('127.0.0.1')));
  // The rest of an IPv4 cell is zero.
  expect([...to.memory.destinations.subarray(4, 16)]).toEqual(new Array<number>(12).fill(0));
});

test('a socket on the IPv6 wildcard address says where a datagram was sent to', () => {
  const from = side('::1');
  const to = side('::');
  from.devices.setEndpoint(0, 0, bytesOf('::1'), to.port);
  send(from.devices, from.memory, [{ payload: patternBytes(20) }]);
  expect(receive(to.devices, to.memory)).toMatchObject([{ destination: bytesOf('::1'), family: 6 }]);
});

test('a traffic class of one row does not stay for the next', () => {
  const [from, to] = pair('127.0.0.1');
  const rows = [0x2e << 2, 0, 1].map((trafficClass) => ({ payload: patternBytes(9), trafficClass }));
  send(from.devices, from.memory, rows);
  expect(receive(to.devices, to.memory).map((row) => row.trafficClass)).toEqual([0x2e << 2, 0, 1]);
});

test('a train with a shorter last segment leaves and arrives as one', () => {
  const [from, to] = pair('127.0.0.1');
  const payload = patternBytes(20 * 1400 + 333);
  expect(send(from.devices, from.memory, [{ payload, segmentLength: 1400, trafficClass: 2 }])).toEqual([0]);
  const [row, ...others] = receive(to.devices, to.memory);
  expect(others).toEqual([]);
  expect(row).toMatchObject({ segmentLength: 1400, trafficClass: 2 });
  expect(Buffer.from(row?.payload ?? []).equals(payload)).toBe(true);
});

test('a train arrives as single datagrams where the receiver has no GRO', () => {
  const [from, to] = pair('::1', {}, { gro: false });
  const payload = patternBytes(3 * 1000 + 1);
  send(from.devices, from.memory, [{ payload, segmentLength: 1000 }]);
  const rows = receive(to.devices, to.memory);
  expect(rows.map((row) => row.payload.length)).toEqual([1000, 1000, 1000, 1]);
  expect(rows.map((row) => row.segmentLength)).toEqual([0, 0, 0, 0]);
  expect(Buffer.concat(rows.map((row) => row.payload)).equals(payload)).toBe(true);
});

test('a train of more segments than one system call takes leaves as single datagrams without GSO', () => {
  const [from, to] = pair('127.0.0.1', { gso: false });
  const payload = patternBytes(299 * 100 + 50);
  expect(
    send(from.devices, from.memory, [{ payload, segmentLength: 100 }, { payload: patternBytes(7, 9) }]),
  ).toEqual([0, 0]);
  const rows = [];
  while (rows.length < 301) rows.push(...receive(to.devices, to.memory));
  expect(rows.every((row) => row.segmentLength === 0)).toBe(true);
  expect(rows.pop()?.payload).toEqual(patternBytes(7, 9));
  expect(Buffer.concat(rows.map((row) => row.payload)).equals(payload)).toBe(true);
});

test('a train of more segments than the kernel takes is sent nevertheless', () => {
  const [from, to] = pair('127.0.0.1');
  const payload = patternBytes(200 * 10);
  expect(send(from.devices, from.memory, [{ payload, segmentLength: 10 }])).toEqual([0]);
  const received: Uint8Array[] = [];
  while (Buffer.concat(received).length < payload.length) {
    received.push(...receive(to.devices, to.memory).map((row) => row.payload));
  }
  expect(Buffer.concat(received).equals(payload)).toBe(true);
});

test('a batch of received datagrams ends with the table and goes on in the next call', () => {
  const [from, to] = pair('127.0.0.1');
  const rows = Array.from({ length: 70 }, (_, i) => ({ payload: patternBytes(100 + i, i) }));
  send(from.devices, from.memory, rows);
  const batches = [1, 2, 3].map(() => receive(to.devices, to.memory));
  expect(batches.map((batch) => batch.length)).toEqual([32, 32, 6]);
  expect(batches.flat().map((row) => row.payload)).toEqual(rows.map((row) => row.payload));
});

test('an empty datagram is sent and received', () => {
  const [from, to] = pair('127.0.0.1');
  expect(send(from.devices, from.memory, [{ payload: patternBytes(0) }])).toEqual([0]);
  expect(receive(to.devices, to.memory)).toMatchObject([{ payload: patternBytes(0), segmentLength: 0 }]);
});

test('rows of several sockets and families keep their order and name their socket', () => {
  const sockets = [open('127.0.0.1'), open('::1')];
  const memory = smallMemory();
  const fds = sockets.map(({ fd }) => fd);
  const devices = createNativeDevices(addon, memory, { tun: -1, sockets: fds, wakeup: -1 });
  devices.setEndpoint(5, 0, bytesOf('127.0.0.1'), sockets[0]!.port);
  devices.setEndpoint(2, 1, bytesOf('::1'), sockets[1]!.port);
  const endpoints = [5, 2, 2, 5, 5, 2];
  const rows = endpoints.map((endpoint, i) => ({ payload: patternBytes(50 + i), endpoint }));
  expect(send(devices, memory, rows)).toEqual([0, 0, 0, 0, 0, 0]);
  const received = receive(devices, memory);
  const lengths = (socket: number): number[] =>
    received.filter((row) => row.socket === socket).map((row) => row.payload.length);
  expect(lengths(0)).toEqual([50, 53, 54]);
  expect(lengths(1)).toEqual([51, 52, 55]);
});

test('the sockets take turns in being read first', () => {
  const sockets = [open('127.0.0.1'), open('127.0.0.1')];
  const memory = smallMemory();
  const fds = sockets.map(({ fd }) => fd);
  const devices = createNativeDevices(addon, memory, { tun: -1, sockets: fds, wakeup: -1 });
  sockets.forEach(({ port }, index) => devices.setEndpoint(index, index, bytesOf('127.0.0.1'), port));
  const rows = Array.from({ length: 80 }, (_, i) => ({ payload: patternBytes(10), endpoint: i % 2 }));
  send(devices, memory, rows);
  const firstSockets = [receive(devices, memory), receive(devices, memory)].map((batch) => batch[0]?.socket);
  expect(new Set(firstSockets)).toEqual(new Set([0, 1]));
});

describe('a socket that is marked seldom', () => {
  /** Devices with one usual socket and one that is marked; what arrives there is sent by the first side. */
  function withSeldom(): { from: Side; devices: Devices; memory: BatchMemory } {
    const from = side('127.0.0.1');
    const sockets = [open('127.0.0.1'), open('127.0.0.1', { gro: false, gso: false })];
    const memory = smallMemory();
    const devices = createNativeDevices(addon, memory, {
      tun: -1,
      sockets: sockets.map(({ fd }) => fd),
      seldom: [false, true],
      wakeup: -1,
    });
    sockets.forEach(({ port }, endpoint) => {
      from.devices.setEndpoint(endpoint, 0, bytesOf('127.0.0.1'), port);
    });
    // The first turn reads every socket.
    expect(devices.udpReceive()).toBe(0);
    return { from, devices, memory };
  }
  const sendTo = ({ devices, memory }: Side, endpoint: number, payload: Uint8Array): void => {
    expect(send(devices, memory, [{ payload, endpoint }])).toEqual([0]);
  };

  test('is not read in every turn, but within 32 of them, for as long as it holds something', () => {
    const { from, devices, memory } = withSeldom();
    sendTo(from, 1, patternBytes(40));
    const turns = [];
    for (let turn = 1; turn < 32; turn++) turns.push(devices.udpReceive());
    expect(turns).toEqual(new Array<number>(31).fill(0));
    expect(devices.udpReceive()).toBe(1);
    expect(memory.datagramsIn[DatagramIn.socket]).toBe(1);
    sendTo(from, 1, patternBytes(41));
    expect(devices.udpReceive()).toBe(1);
    expect(memory.datagramsIn[DatagramIn.length]).toBe(41);
  });

  test('is read in the turn after the wait found it, and the others with it', () => {
    const { from, devices, memory } = withSeldom();
    sendTo(from, 1, patternBytes(40));
    expect(devices.wait(5000)).toBe(Ready.udp);
    sendTo(from, 0, patternBytes(50));
    const rows = receive(devices, memory);
    expect(rows.map(({ socket, payload }) => [socket, payload.length]).sort()).toEqual([[0, 50], [1, 40]]); // prettier-ignore
  });

  test('a list of another length is refused', () => {
    const { fd } = open('127.0.0.1');
    const descriptors = { tun: -1, sockets: [fd], seldom: [true, false], wakeup: -1 };
    expect(() => createNativeDevices(addon, smallMemory(), descriptors)).toThrow(
      'seldom: expected an array as long as sockets',
    );
  });
});

test('a row that the kernel refuses has its errno, and the rows around it are sent', () => {
  const [from, to] = pair('127.0.0.1');
  // Broadcast without SO_BROADCAST.
  from.devices.setEndpoint(1, 0, bytesOf('255.255.255.255'), 9);
  const statuses = send(from.devices, from.memory, [
    { payload: patternBytes(1) },
    { payload: patternBytes(2), endpoint: 1 },
    // 65507 is the largest over IPv4.
    { payload: patternBytes(65_508) },
    { payload: patternBytes(4), endpoint: 1, segmentLength: 2 },
    { payload: patternBytes(5) },
  ]);
  expect(statuses).toEqual([0, 13, 90, 13, 0]);
  expect(receive(to.devices, to.memory).map((row) => row.payload.length)).toEqual([1, 5]);
});

test.each([
  ['offset and length', DatagramOut.offset, 1 << 30],
  ['offset and length', DatagramOut.offset, -1],
  ['offset and length', DatagramOut.length, -1],
  ['offset and length', DatagramOut.length, 0x7fffffff],
  ['segmentLength', DatagramOut.segmentLength, -1],
  ['endpoint', DatagramOut.endpoint, 1],
  ['endpoint', DatagramOut.endpoint, -1],
  ['trafficClass', DatagramOut.trafficClass, 256],
])('a row with a wrong %s is a RangeError and nothing of the batch is sent', (field, cell, value) => {
  const [from, to] = pair('127.0.0.1');
  from.memory.datagramsOut.set([from.memory.sealedOffset, 10, 0, 0, 0, 0], 0);
  from.memory.datagramsOut.set([from.memory.sealedOffset, 10, 0, 0, 0, 0], DatagramOut.stride);
  from.memory.datagramsOut[DatagramOut.stride + cell] = value;
  expect(() => from.devices.udpSend(2)).toThrow(
    new RangeError(`descriptor out of bounds: DatagramOut row 1, ${field}`),
  );
  expect(to.devices.wait(0)).toBe(0);
  expect(() => from.devices.udpSend(257)).toThrow(RangeError);
  expect(() => from.devices.udpSend(-1)).toThrow(RangeError);
});

test('an endpoint of another family, port or socket is refused when it is set', () => {
  const { devices } = side('127.0.0.1');
  expect(() => devices.setEndpoint(0, 0, bytesOf('::1'), 1)).toThrow(RangeError);
  expect(() => devices.setEndpoint(0, 1, bytesOf('127.0.0.1'), 1)).toThrow(RangeError);
  expect(() => devices.setEndpoint(0, 0, bytesOf('127.0.0.1'), 65_536)).toThrow(RangeError);
  expect(() => devices.setEndpoint(-1, 0, bytesOf('127.0.0.1'), 1)).toThrow(RangeError);
});

test('the memory may lie in shared array buffers', () => {
  const plain = smallMemory();
  const shared = <T extends Uint8Array | Int32Array | Float64Array>(view: T): T =>
    new (view.constructor as new (buffer: SharedArrayBuffer) => T)(new SharedArrayBuffer(view.byteLength));
  const memory: BatchMemory = {
    ...plain,
    arena: shared(plain.arena),
    frames: shared(plain.frames),
    sealJobs: shared(plain.sealJobs),
    datagramsOut: shared(plain.datagramsOut),
    datagramsIn: shared(plain.datagramsIn),
    sources: shared(plain.sources),
    destinations: shared(plain.destinations),
    openJobs: shared(plain.openJobs),
    innerPackets: shared(plain.innerPackets),
    outFrames: shared(plain.outFrames),
    vectors: shared(plain.vectors),
    clock: shared(plain.clock),
  };
  const { devices, port } = side('127.0.0.1', {}, memory);
  devices.setEndpoint(0, 0, bytesOf('127.0.0.1'), port);
  expect(send(devices, memory, [{ payload: patternBytes(100) }])).toEqual([0]);
  expect(receive(devices, memory)).toMatchObject([{ payload: patternBytes(100), sourcePort: port }]);
});

describe('a wait that looks before it sleeps', () => {
  test('finds what is there, and takes the wake-up', () => {
    const { devices, memory, wakeup } = sideWithWakeup();
    addon.signalWakeup(wakeup);
    send(devices, memory, [{ payload: patternBytes(1) }]);
    expect(devices.wait(-1, 1_000_000)).toBe(Ready.wakeup | Ready.udp);
    expect(devices.wait(0)).toBe(Ready.udp);
  });

  test.each([
    ['while it looks', 30_000_000],
    ['in its sleep, after the look', 1],
  ])('finds what comes %s', async (_name, busyMicroseconds) => {
    const { devices, wakeup } = sideWithWakeup();
    const other = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
      const addon = require(workerData.addon);
      parentPort.once('message', () => addon.signalWakeup(workerData.wakeup));
      parentPort.postMessage('ready');`,
      { eval: true, workerData: { addon: ADDON_PATH, wakeup } },
    );
    await once(other, 'message');
    other.postMessage('go');
    expect(devices.wait(60_000, busyMicroseconds)).toBe(Ready.wakeup);
    await once(other, 'exit');
  });

  test('is over when its time is over, whichever is longer', () => {
    const { devices } = sideWithWakeup();
    for (const [timeoutMs, busyMicroseconds] of [
      [3, 60_000_000],
      [10, 5000],
      [0, 60_000_000],
    ] as const) {
      const beforeMs = performance.now();
      expect(devices.wait(timeoutMs, busyMicroseconds)).toBe(0);
      expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(timeoutMs - 0.1);
      expect(performance.now() - beforeMs).toBeLessThan(30_000);
    }
  });
});

test('wait finds datagrams and the wake-up, takes the wake-up, and writes the clock', () => {
  const { devices, memory, wakeup } = sideWithWakeup();
  expect(devices.wait(0)).toBe(0);
  addon.signalWakeup(wakeup);
  addon.signalWakeup(wakeup);
  expect(devices.wait(-1)).toBe(Ready.wakeup);
  expect(devices.wait(0)).toBe(0);
  send(devices, memory, [{ payload: patternBytes(1) }]);
  addon.signalWakeup(wakeup);
  const before = Number(process.hrtime.bigint()) / 1e6;
  expect(devices.wait(-1)).toBe(Ready.wakeup | Ready.udp);
  const after = Number(process.hrtime.bigint()) / 1e6;
  expect(memory.clock[0]).toBeGreaterThanOrEqual(before - 0.001);
  expect(memory.clock[0]).toBeLessThanOrEqual(after + 0.001);
});
