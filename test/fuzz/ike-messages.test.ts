// Whatever arrives as an IKE message, or stands inside an SK payload: it is decoded, or a MalformedMessageError says
// where it is wrong. Time and memory stay within bounds, and what was decoded can be encoded and is the same again.

import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { MalformedMessageError } from '../../src/base/errors.ts';
import { checkMessage } from '../../src/wire/ike/check-message.ts';
import { decryptFragment } from '../../src/wire/ike/encrypted.ts';
import { decodeIkeHeader } from '../../src/wire/ike/ike-header.ts';
import { decodeMessage, decodePayloads, encodePayloads } from '../../src/wire/ike/message.ts';
import { MAX_PAYLOADS } from '../../src/wire/ike/payload-chain.ts';
import type { Payload } from '../../src/wire/ike/payload.ts';
import { openPayload } from '../support/ike-payloads.ts';
import { cipherFor, readHandshake } from '../vectors/ike-handshake.ts';

const RUNS = { numRuns: 3000 };
const LARGEST_DATAGRAM = 65_535;

interface Chain {
  readonly firstPayload: number;
  readonly bytes: Uint8Array;
}

const handshake = readHandshake();
const datagrams = handshake.messages.flatMap((message) => message.datagrams);

/** What the captured messages hold inside, fragment by fragment, and random chains. */
const corpus: readonly Chain[] = datagrams.flatMap((datagram) => {
  const message = decodeMessage(datagram);
  const [payload] = message.payloads;
  if (payload?.type !== 'SK' && payload?.type !== 'SKF') {
    return [{ firstPayload: message.header.nextPayload, bytes: datagram.subarray(28) }];
  }
  const cipher = cipherFor(handshake, message.header);
  const inner = cipher.decrypt(datagram.subarray(0, -payload.body.length), payload.body);
  expect(inner).toBeDefined();
  expect(decryptFragment(datagram, message, cipher) === undefined).toBe(payload.type === 'SK');
  return [{ firstPayload: payload.firstPayload, bytes: inner ?? new Uint8Array() }];
});

/** Numbers that lengths and counts are wrong with. */
const octet = fc.oneof(fc.constantFrom(0, 1, 3, 4, 7, 8, 0x7f, 0x80, 0xff), fc.nat(255));
const mutation = fc.oneof(
  fc.record({ at: fc.nat(), removed: fc.constant(1), inserted: octet.map((value) => Uint8Array.of(value)) }),
  fc.record({ at: fc.nat(), removed: fc.nat(40), inserted: fc.uint8Array({ maxLength: 40 }) }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;
const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });

function mutated(bytes: Uint8Array, { at, removed, inserted }: Mutation): Uint8Array {
  const start = at % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, start), inserted, bytes.subarray(start + removed)]);
}

/** @returns undefined where it was malformed */
function decodeOrRefuse(decode: () => readonly Payload[]): readonly Payload[] | undefined {
  try {
    return decode();
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedMessageError);
    return undefined;
  }
}

/** Encoding gives up what RFC 7296 says to ignore, so a second round changes nothing. */
function expectStable(payloads: readonly Payload[]): void {
  expect(payloads.length).toBeLessThanOrEqual(MAX_PAYLOADS);
  checkMessage({ exchangeType: 35, isResponse: false }, { clear: [], encrypted: payloads });
  const sendable = payloads.filter(
    (payload) =>
      payload.type !== 'SA' ||
      !payload.proposals.some(({ transforms }) => transforms.some((one) => one.hasUnknownAttribute)),
  );
  const once = encodePayloads(sendable);
  expect(decodePayloads(once.firstPayload, once.bytes)).toEqual(sendable);
}

function tryChain({ firstPayload, bytes }: Chain): void {
  const payloads = decodeOrRefuse(() => decodePayloads(firstPayload, bytes));
  if (payloads !== undefined) expectStable(payloads);
}

it('the captured messages, mutated', () => {
  fc.assert(
    fc.property(fc.constantFrom(...datagrams), mutations, fc.boolean(), (datagram, list, mend) => {
      const bytes = list.reduce(mutated, Uint8Array.from(datagram));
      // Without the right length little of a message is looked at.
      if (mend && bytes.length >= 28)
        new DataView(bytes.buffer, bytes.byteOffset).setUint32(24, bytes.length);
      decodeOrRefuse(() => decodeMessage(bytes).payloads);
    }),
    RUNS,
  );
});

it('what was inside of them, mutated', () => {
  fc.assert(
    fc.property(fc.constantFrom(...corpus), mutations, (chain, list) => {
      tryChain({ ...chain, bytes: list.reduce(mutated, Uint8Array.from(chain.bytes)) });
    }),
    RUNS,
  );
});

it('payloads of every type, mutated', () => {
  const chains = fc.array(openPayload, { minLength: 1, maxLength: 4 }).map(encodePayloads);
  fc.assert(
    fc.property(chains, mutations, ({ firstPayload, bytes }, list) => {
      tryChain({ firstPayload, bytes: list.reduce(mutated, bytes) });
    }),
    RUNS,
  );
});

it('any octets under any payload type', () => {
  const any = fc.record({
    firstPayload: fc.integer({ min: 30, max: 55 }),
    bytes: fc.uint8Array({ maxLength: 120 }),
  });
  fc.assert(fc.property(any, tryChain), RUNS);
  // A right generic header in front, so that the body is reached.
  const framed = any.map(({ firstPayload, bytes }) => ({
    firstPayload,
    bytes: Buffer.concat([Uint8Array.of(0, 0, 0, 4 + bytes.length), bytes]),
  }));
  fc.assert(fc.property(framed, tryChain), RUNS);
});

it('any octets as a header', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      if (bytes.length >= 28) decodeIkeHeader(bytes);
      else expect(() => decodeIkeHeader(bytes)).toThrow(MalformedMessageError);
      decodeOrRefuse(() => decodeMessage(bytes).payloads);
    }),
    RUNS,
  );
});

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
