// Datagrams full of one thing: decoding them costs bounded time and memory. Random octets are in ike.test.ts.

import { expect, it } from 'vitest';
import { MalformedMessageError } from '../../src/base/errors.ts';
import { decodePayloads } from '../../src/wire/ike/message.ts';
import { MAX_PAYLOADS } from '../../src/wire/ike/payload-chain.ts';
import type { Payload } from '../../src/wire/ike/payload.ts';

const LARGEST_DATAGRAM = 65_535;

/** @returns undefined where it was malformed */
function decodeOrRefuse(decode: () => readonly Payload[]): readonly Payload[] | undefined {
  try {
    return decode();
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedMessageError);
    return undefined;
  }
}

/** A payload of 65535 octets at most, full of one thing. */
const filled = (prefix: readonly number[], unit: readonly number[]): Uint8Array => {
  const body = Buffer.alloc(LARGEST_DATAGRAM - 4 - ((LARGEST_DATAGRAM - 4 - prefix.length) % unit.length));
  body.set(prefix);
  for (let at = prefix.length; at < body.length; at += unit.length) body.set(unit, at);
  const header = Buffer.alloc(4);
  header.writeUInt16BE(4 + body.length, 2);
  return Buffer.concat([header, body]);
};

it.each([
  ['empty payloads', 43, Buffer.alloc(LARGEST_DATAGRAM, Uint8Array.of(43, 0, 0, 4))],
  ['empty payloads of an unknown type', 200, Buffer.alloc(LARGEST_DATAGRAM, Uint8Array.of(200, 0, 0, 4))],
  ['proposals without transforms', 33, filled([], [2, 0, 0, 8, 1, 1, 0, 0])],
  ['transforms', 33, filled([0, 0, 255, 248, 1, 1, 0, 255], [3, 0, 0, 8, 1, 0, 0, 20])],
  ['attributes', 33, filled([0, 0, 255, 248, 1, 1, 0, 1, 0, 0, 255, 240, 1, 0, 0, 20], [128, 14, 1, 0])],
  ['selectors', 44, filled([255, 0, 0, 0], [7, 0, 0, 16, 0, 0, 255, 255, 10, 0, 0, 0, 10, 0, 0, 255])],
  ['selectors of an unknown type', 44, filled([255, 0, 0, 0], [200, 0, 0, 4])],
  ['configuration attributes', 47, filled([1, 0, 0, 0], [0, 1, 0, 0])],
  ['SPIs', 42, filled([3, 4, 63, 254], [1, 2, 3, 4])],
  ['a nonce', 40, filled([], [1])],
] as const)('a datagram full of %s costs little', (_what, firstPayload, bytes) => {
  const decode = (): readonly Payload[] | undefined =>
    decodeOrRefuse(() => decodePayloads(firstPayload, bytes));
  decode();
  const start = process.cpuUsage();
  const before = process.memoryUsage().heapUsed;
  const payloads = decode();
  const { user, system } = process.cpuUsage(start);
  const heapBytes = process.memoryUsage().heapUsed - before;
  // A few milliseconds and megabytes at most; far above what a busy machine adds.
  expect((user + system) / 1000).toBeLessThan(500);
  expect(heapBytes).toBeLessThan(64 * 2 ** 20);
  expect(payloads?.length ?? 0).toBeLessThanOrEqual(MAX_PAYLOADS);
});
