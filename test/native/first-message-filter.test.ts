// The filter in the socket that keeps off floods of first messages (RFC 7296 §2.6), in the kernel, over loopback.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DatagramIn, type BatchMemory } from '../../src/dataplane/batch-memory.ts';
import type { Devices } from '../../src/dataplane/devices.ts';
import { loadAddon } from '../../src/dataplane/native/load-addon.ts';
import { createNativeDevices } from '../../src/dataplane/native/native-devices.ts';
import { bytesOf } from '../support/packets.ts';
import { smallMemory } from './batches.ts';

const addon = loadAddon();
const SENT = 1600;
const ONE_IN = 16;
/** Six standard deviations about 100. */
const LEAST = 42;
const MOST = 158;
const NOTIFY = 41;
const COOKIE = [0x40, 0x06];
const NO_ONE = new Uint8Array();

/** RFC 7296 §3.1. */
function message(change: (bytes: Uint8Array) => void = () => undefined): Uint8Array {
  const bytes = new Uint8Array(120);
  bytes.fill(7, 0, 8);
  bytes.set([33, 0x20, 34, 0x08], 16);
  bytes[27] = bytes.length;
  change(bytes);
  return bytes;
}

const FIRST = message();
const WITH_COOKIE = message((bytes) => {
  bytes[16] = NOTIFY;
  bytes.set(COOKIE, 28 + 6);
});
/** What is no first message, though something of it is like one. */
const OTHERS: readonly (readonly [string, Uint8Array])[] = [
  ['with the first word of an SPI of the responder', message((bytes) => (bytes[8] = 1))],
  ['with the second', message((bytes) => (bytes[15] = 1))],
  ['of another exchange', message((bytes) => (bytes[18] = 35))],
  ['shorter than a header', FIRST.subarray(0, 27)],
  ['empty', new Uint8Array()],
];

describe.each([
  ['IPv4', '127.0.0.1', '127.0.0.2'],
  ['IPv6', '::1', '::2'],
])('over %s', (family, local, other) => {
  describe.each([
    ['without a marker', false],
    ['behind one', true],
  ])('%s', (_name, hasMarker) => {
    let receiver: { readonly devices: Devices; readonly memory: BatchMemory; readonly fd: number };
    let sender: number;
    let port: number;

    beforeEach(() => {
      const options = {
        address: bytesOf(local),
        port: 0,
        mark: 0,
        reusePort: false,
        peer: false,
        gso: false,
        gro: false,
      };
      const socket = addon.openUdp({ ...options, bufferBytes: 1 << 24 });
      sender = addon.openUdp({ ...options, bufferBytes: 0 }).fd;
      const memory = smallMemory();
      const devices = createNativeDevices(addon, memory, { tun: -1, sockets: [socket.fd], wakeup: -1 });
      receiver = { devices, memory, fd: socket.fd };
      port = socket.port;
    });

    afterEach(() => {
      addon.closeDescriptor(receiver.fd);
      addon.closeDescriptor(sender);
    });

    /** @returns how many of so many came through; the rest are among the drops of the kernel */
    function passed(bytes: Uint8Array, count = SENT): number {
      const before = addon.kernelDrops(receiver.fd);
      let received = 0;
      for (let sent = 0; sent < count; sent++) {
        expect(addon.sendDatagram(sender, hasMarker, bytesOf(local), port, bytes)).toBe(0);
        if (sent % 16 === 15) received += taken();
      }
      received += taken();
      expect(addon.kernelDrops(receiver.fd) - before).toBe(count - received);
      return received;
    }

    function taken(): number {
      const { devices, memory } = receiver;
      let count = 0;
      for (let batch = devices.udpReceive(); batch > 0; batch = devices.udpReceive()) {
        count += batch;
        for (let row = 0; row < batch; row++)
          expect(memory.datagramsIn[row * DatagramIn.stride + DatagramIn.family]).toBe(
            family === 'IPv4' ? 4 : 6,
          );
      }
      return count;
    }

    const filter = (known: Uint8Array, strangersOneIn: number, cookiesOneIn: number): void => {
      addon.filterFirstMessages(receiver.fd, hasMarker, known, strangersOneIn, cookiesOneIn);
    };

    test('one first message in so many passes', () => {
      filter(NO_ONE, ONE_IN, 1);
      const count = passed(FIRST);
      expect(count).toBeGreaterThan(LEAST);
      expect(count).toBeLessThan(MOST);
      expect(passed(WITH_COOKIE, 100)).toBe(100);
    });

    test.each([28, 35])('also where it ends behind %i bytes', (length) => {
      filter(NO_ONE, 1024, 1);
      expect(passed(FIRST.subarray(0, length), 200)).toBeLessThan(20);
    });

    test('a cookie that is cut is none, and passes as little', () => {
      filter(NO_ONE, 1024, 1);
      expect(passed(WITH_COOKIE.subarray(0, 35), 200)).toBeLessThan(20);
    });

    test('one with a cookie in so many', () => {
      filter(NO_ONE, 1, ONE_IN);
      const count = passed(WITH_COOKIE);
      expect(count).toBeGreaterThan(LEAST);
      expect(count).toBeLessThan(MOST);
      expect(passed(FIRST, 100)).toBe(100);
    });

    test.each(OTHERS)('a message %s passes', (_what, bytes) => {
      filter(NO_ONE, 1024, 1024);
      expect(passed(bytes, 100)).toBe(100);
    });

    test('those of an address that is known pass, wherever it stands', () => {
      const strangers = Array.from({ length: 100 }, () => bytesOf(other));
      filter(Buffer.concat([...strangers, bytesOf(local)]), 1024, 1024);
      expect(passed(FIRST, 100)).toBe(100);
      filter(Buffer.concat(strangers), 1024, 1024);
      expect(passed(FIRST, 200)).toBeLessThan(20);
    });

    test('as many addresses as there may be fit, and no more', () => {
      const most = family === 'IPv4' ? 512 : 128;
      const known = Buffer.concat(Array.from({ length: most }, () => bytesOf(local)));
      filter(known, 2, 2);
      expect(passed(FIRST, 100)).toBe(100);
      expect(() => {
        filter(Buffer.concat([known, bytesOf(local)]), 2, 2);
      }).toThrow('known: too many addresses');
      expect(() => {
        filter(known.subarray(1), 2, 2);
      }).toThrow("known: not of the socket's family");
    });

    test('all pass when it is gone, which it may be already', () => {
      filter(NO_ONE, 1024, 1024);
      filter(NO_ONE, 1, 1);
      filter(NO_ONE, 1, 1);
      expect(passed(FIRST, 200)).toBe(200);
    });

    test('what is no power of two is refused', () => {
      for (const oneIn of [0, -2, 3, 12])
        expect(() => {
          filter(NO_ONE, oneIn, 1);
        }).toThrow('strangersOneIn: expected a power of two');
    });
  });
});

test('ESP passes the filter of the port that it shares', () => {
  const options = {
    address: bytesOf('127.0.0.1'),
    port: 0,
    mark: 0,
    reusePort: false,
    peer: false,
    gso: false,
    gro: false,
  };
  const [to, from] = [
    addon.openUdp({ ...options, bufferBytes: 0 }),
    addon.openUdp({ ...options, bufferBytes: 0 }),
  ];
  addon.filterFirstMessages(to.fd, true, NO_ONE, 1024, 1024);
  const esp = Uint8Array.of(0, 0, 0, 1, ...message());
  for (let sent = 0; sent < 100; sent++)
    expect(addon.sendDatagram(from.fd, false, bytesOf('127.0.0.1'), to.port, esp)).toBe(0);
  expect(addon.kernelDrops(to.fd)).toBe(0);
  addon.closeDescriptor(to.fd);
  addon.closeDescriptor(from.fd);
});
