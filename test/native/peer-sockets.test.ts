// The socket of the peer that sends most, over loopback: it is connected to a source that was named twice in a row, what it
// takes is told as the listening socket's, and whatever the others send arrives all the same. The kernel says what is connected.

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
  const socket = open(address, { port: freePort(address), reusePort: true, peer: true });
  const descriptors = { tun: -1, sockets: [socket.fd], peers: [socket.peer], wakeup: -1 };
  const devices = createNativeDevices(addon, memory, descriptors);
  return { devices, memory, descriptors, ...socket };
}

/** Remote ports of the connected sockets that have a local port. */
function connectedTo(port: number): readonly number[] {
  const local = port.toString(16).toUpperCase().padStart(4, '0');
  return ['/proc/net/udp', '/proc/net/udp6']
    .flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, here = '', there = '']) => here.endsWith(`:${local}`) && !there.endsWith(':0000'))
    .map(([, , there = '']) => Number.parseInt(there.split(':')[1]!, 16));
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
    const ports = [one.port, other.port, one.port];
    const arrivals = () =>
      exchange(to, address, [one, other, one]).map(({ socket, sourcePort, destination }) => {
        expect([socket, destination]).toEqual([0, bytesOf(address)]);
        return sourcePort;
      });
    const strangers = () => connectedTo(to.port).filter((port) => port !== to.port);
    const name = (sender: { fd: number }): void => {
      exchange(to, address, [sender]);
      to.devices.expectMoreFrom(0);
    };
    expect(arrivals()).toEqual(ports);
    expect(strangers()).toEqual([]);
    name(one);
    name(other);
    name(one);
    expect(strangers()).toEqual([]);
    name(one);
    expect(strangers()).toEqual([one.port]);
    expect(arrivals()).toEqual(ports);
    // Another one now and then changes nothing.
    name(other);
    name(one);
    name(other);
    expect(strangers()).toEqual([one.port]);
    name(other);
    expect(strangers()).toEqual([other.port]);
    expect(arrivals()).toEqual(ports);
  });

  test('the devices of the next worker go on with it', () => {
    const to = listener(listening);
    const sender = open(address);
    for (let i = 0; i < 2; i++) {
      exchange(to, address, [sender]);
      to.devices.expectMoreFrom(0);
    }
    const next = { ...to, devices: createNativeDevices(addon, to.memory, to.descriptors) };
    exchange(next, address, [sender]);
    const other = open(address);
    for (let i = 0; i < 2; i++) {
      exchange(next, address, [other]);
      next.devices.expectMoreFrom(0);
    }
    expect(connectedTo(to.port)).toEqual([other.port]);
    exchange(next, address, [sender, other]);
  });
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
  expect(() => open('127.0.0.1', { peer: true })).toThrow(/^peer: /);
});

test.each(['127.0.0.1', '::1'])('a second gateway on %s is refused', (address) => {
  const { port } = listener(address);
  const holder = open(address);
  expect(() => open(address, { port: holder.port, reusePort: true, peer: true })).toThrow(/EADDRINUSE/);
  expect(() => open(address, { port })).toThrow(/EADDRINUSE/);
});
