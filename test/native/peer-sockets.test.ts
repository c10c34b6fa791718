// The socket of the peer that sends most, over loopback: it is connected to a source that was named twice in a row, what it
// takes is told as the listening socket's, and whatever the others send arrives all the same, in the order in which it was
// sent. The kernel says what is connected.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { DatagramIn } from '../../src/dataplane/batch-memory.ts';
import type { UdpOptions } from '../../src/dataplane/native/addon.ts';
import { loadAddon } from '../../src/dataplane/native/load-addon.ts';
import { createNativeDevices } from '../../src/dataplane/native/native-devices.ts';
import { bytesOf } from '../support/packets.ts';
import { patternBytes, receive, smallMemory, type Incoming } from './batches.ts';

const addon = loadAddon();
const opened: number[] = [];
/** So often others are named before one of them gets the socket. */
const OTHERS = 16;

afterEach(() => {
  for (const fd of opened.splice(0)) addon.closeDescriptor(fd);
});

function open(address: string, options: Partial<UdpOptions> = {}) {
  const socket = addon.openUdp({
    ...{ address: bytesOf(address), port: 0, mark: 0, reusePort: false, peer: false },
    ...{ bufferBytes: 1 << 20, gso: true, gro: true },
    ...options,
  });
  opened.push(socket.fd, ...(socket.peer < 0 ? [] : [socket.peer]));
  return socket;
}

/** A port that nobody has: IPv6 needs it before it binds. */
function freePort(address: string): number {
  const { fd, port } = open(address);
  opened.splice(opened.indexOf(fd), 1);
  addon.closeDescriptor(fd);
  return port;
}

function listener(address: string) {
  const memory = smallMemory();
  const socket = open(address, { port: freePort(address), peer: true });
  const descriptors = { tun: -1, sockets: [socket.fd], peers: [socket.peer], wakeup: -1 };
  const devices = createNativeDevices(addon, memory, descriptors);
  return { devices, memory, descriptors, ...socket };
}

/** Remote ports of the connected sockets that have a local port; a socket that is its own is nobody's. */
function connectedTo(port: number): readonly number[] {
  const local = port.toString(16).toUpperCase().padStart(4, '0');
  return ['/proc/net/udp', '/proc/net/udp6']
    .flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, here = '', there = '']) => here.endsWith(`:${local}`) && !there.endsWith(':0000'))
    .map(([, , there = '']) => Number.parseInt(there.split(':')[1]!, 16))
    .filter((remote) => remote !== port);
}

/** What the listener has of one datagram from each sender, in their order. */
function exchange(
  to: Pick<ReturnType<typeof listener>, 'devices' | 'memory' | 'port'>,
  address: string,
  senders: readonly { readonly fd: number }[],
): readonly Incoming[] {
  const received: Incoming[] = [];
  for (const { fd } of senders) {
    expect(addon.sendDatagram(fd, false, bytesOf(address), to.port, patternBytes(100))).toBe(0);
    received.push(...receive(to.devices, to.memory));
  }
  expect(received).toHaveLength(senders.length);
  return received;
}

describe.each([
  ['an IPv4 address', '127.0.0.1', '127.0.0.1'],
  ['an IPv6 address', '::1', '::1'],
  ['every IPv4 address', '0.0.0.0', '127.0.0.2'],
  ['every IPv6 address', '::', '::1'],
])('beside a socket of %s', (_name, listening, address) => {
  test('a source that is named twice in a row has a socket, and all datagrams arrive as before', () => {
    const to = listener(listening);
    const [one, other] = [open(address), open(address)];
    const arrive = (): void => {
      const arrivals = exchange(to, address, [one, other, one]);
      expect(arrivals.map(({ sourcePort }) => sourcePort)).toEqual([one.port, other.port, one.port]);
      for (const { socket, destination } of arrivals)
        expect([socket, destination]).toEqual([0, bytesOf(address)]);
    };
    const name = (...senders: readonly { fd: number }[]): void => {
      for (const sender of senders) {
        exchange(to, address, [sender]);
        to.devices.expectMoreFrom(0);
      }
    };
    arrive();
    name(one, other, one);
    expect(connectedTo(to.port)).toEqual([]);
    name(one);
    expect(connectedTo(to.port)).toEqual([one.port]);
    arrive();
    // Two that send alike do not take it from each other.
    for (let i = 0; i < OTHERS; i++) name(other, other, one);
    expect(connectedTo(to.port)).toEqual([one.port]);
    for (let i = 0; i < OTHERS - 1; i++) name(other);
    expect(connectedTo(to.port)).toEqual([one.port]);
    name(other);
    expect(connectedTo(to.port)).toEqual([other.port]);
    arrive();
  });

  test('what was sent before it has the socket is read before what was sent after', () => {
    const WAITING = 150;
    const to = listener(listening);
    const sender = open(address);
    const send = (first: number): void => {
      for (let i = first; i < first + WAITING; i++)
        expect(
          addon.sendDatagram(sender.fd, false, bytesOf(address), to.port, Uint8Array.of(i >> 8, i)),
        ).toBe(0);
    };
    exchange(to, address, [sender]);
    to.devices.expectMoreFrom(0);
    send(0);
    to.devices.expectMoreFrom(0);
    expect(connectedTo(to.port)).toEqual([sender.port]);
    send(WAITING);
    const numbers: number[] = [];
    while (numbers.length < 2 * WAITING) {
      const batch = receive(to.devices, to.memory);
      expect(batch).not.toEqual([]);
      numbers.push(...batch.map(({ payload }) => (payload[0]! << 8) | payload[1]!));
    }
    expect(numbers).toEqual(Array.from({ length: 2 * WAITING }, (_, i) => i));
  });

  test('where the kernel refuses a source, nothing changes', () => {
    const to = listener(listening);
    const sender = open(address);
    // Broadcast, and a link-local address without a link.
    const refused = bytesOf(address.includes(':') ? 'fe80::1' : '255.255.255.255');
    const nameRefused = (): void => {
      exchange(to, address, [sender]);
      to.memory.sources.set(refused, 0);
      to.devices.expectMoreFrom(0);
    };
    for (let i = 0; i < 2 * OTHERS; i++) nameRefused();
    expect(connectedTo(to.port)).toEqual([]);
    // Bound as it is, it takes nothing of strangers: their messages meet the filter of the other.
    const taken = createNativeDevices(addon, to.memory, { tun: -1, sockets: [to.peer], wakeup: -1 });
    const strangers = Array.from({ length: 32 }, () => open(address));
    for (const { fd } of strangers)
      expect(addon.sendDatagram(fd, false, bytesOf(address), to.port, patternBytes(9))).toBe(0);
    expect(taken.udpReceive()).toBe(0);
    expect(receive(to.devices, to.memory)).toHaveLength(strangers.length);

    for (let i = 0; i < 2; i++) {
      exchange(to, address, [sender]);
      to.devices.expectMoreFrom(0);
    }
    expect(connectedTo(to.port)).toEqual([sender.port]);
    for (let i = 0; i < 2 * OTHERS; i++) nameRefused();
    expect(connectedTo(to.port)).toEqual([sender.port]);
    exchange(to, address, [sender]);
  });

  test('the devices of the next worker go on with it', () => {
    const to = listener(listening);
    const sender = open(address);
    for (let i = 0; i < 2; i++) {
      exchange(to, address, [sender]);
      to.devices.expectMoreFrom(0);
    }
    const next = { ...to, devices: createNativeDevices(addon, to.memory, to.descriptors) };
    const other = open(address);
    exchange(next, address, [sender]);
    for (let i = 0; i < 2; i++) {
      exchange(next, address, [other]);
      next.devices.expectMoreFrom(0);
    }
    expect(connectedTo(to.port)).toEqual([other.port]);
    exchange(next, address, [sender, other]);
  });

  test('nobody else gets the port, before or after', () => {
    const to = listener(listening);
    const sender = open(address);
    const program = `
import socket, sys
one = socket.socket(socket.${address.includes(':') ? 'AF_INET6' : 'AF_INET'}, socket.SOCK_DGRAM)
one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
one.bind((${JSON.stringify(address)}, ${String(to.port)}))`;
    const expectTaken = (): void => {
      expect(spawnSync('python3', ['-c', program], { encoding: 'utf8' }).stderr).toContain(
        'Address already in use',
      );
      for (const reusePort of [false, true])
        expect(() => open(address, { port: to.port, reusePort, peer: !reusePort })).toThrow(/EADDRINUSE/);
    };
    expectTaken();
    for (let i = 0; i < 2; i++) {
      exchange(to, address, [sender]);
      to.devices.expectMoreFrom(0);
    }
    expect(connectedTo(to.port)).toEqual([sender.port]);
    expectTaken();
  });
});

test('a socket that listens on every address has its peer at the first that was used', () => {
  const to = listener('0.0.0.0');
  const [one, other] = [open('127.0.0.1'), open('127.0.0.1')];
  for (let i = 0; i < 2; i++) {
    exchange(to, '127.0.0.2', [one]);
    to.devices.expectMoreFrom(0);
  }
  for (let i = 0; i < 2 * OTHERS; i++) {
    exchange(to, '127.0.0.3', [other]);
    to.devices.expectMoreFrom(0);
  }
  expect(connectedTo(to.port)).toEqual([one.port]);
  exchange(to, '127.0.0.2', [one, other]);
});

test('a socket without one beside it takes no hint', () => {
  const memory = smallMemory();
  const socket = open('127.0.0.1');
  const devices = createNativeDevices(addon, memory, { tun: -1, sockets: [socket.fd], wakeup: -1 });
  const sender = open('127.0.0.1');
  for (let i = 0; i < 3; i++) {
    exchange({ devices, memory, port: socket.port }, '127.0.0.1', [sender]);
    devices.expectMoreFrom(0);
  }
  expect(connectedTo(socket.port)).toEqual([]);
});

test('wrong rows and descriptors are refused by name', () => {
  const to = listener('127.0.0.1');
  const rows = to.memory.datagramsIn.length / DatagramIn.stride;
  for (const row of [-1, rows]) {
    expect(() => {
      to.devices.expectMoreFrom(row);
    }).toThrow(RangeError);
  }
  // A row that names no socket is no hint.
  to.memory.datagramsIn[DatagramIn.socket] = 7;
  to.devices.expectMoreFrom(0);
  expect(() => {
    to.devices.setEndpoint(0, 1, bytesOf('127.0.0.1'), 9);
  }).toThrow(/^socket: out of range/);
  expect(() =>
    createNativeDevices(addon, to.memory, { tun: -1, sockets: [to.fd], peers: [], wakeup: -1 }),
  ).toThrow(/^peers: expected an array as long as sockets/);
  expect(() => open('127.0.0.1', { peer: true, reusePort: true })).toThrow(/^peer: /);
});
