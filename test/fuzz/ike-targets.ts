// Decoders of IKE: the header, whole messages, each payload, and what stands inside an SK payload. Whatever the octets
// are, they are decoded, or a MalformedMessageError says where they are wrong; and what was decoded can be encoded and
// is the same again.

import * as fc from 'fast-check';
import { expect } from 'vitest';
import { MalformedMessageError } from '../../src/base/errors.ts';
import { checkMessage } from '../../src/wire/ike/check-message.ts';
import { decryptFragment } from '../../src/wire/ike/encrypted.ts';
import { decodeIkeHeader } from '../../src/wire/ike/ike-header.ts';
import { decodeMessage, decodePayloads, encodePayloads } from '../../src/wire/ike/message.ts';
import { MAX_PAYLOADS } from '../../src/wire/ike/payload-chain.ts';
import type { Payload } from '../../src/wire/ike/payload.ts';
import type { FuzzInput, FuzzTarget } from '../support/fuzz-target.ts';
import { openPayload, PAYLOADS } from '../support/ike-payloads.ts';
import { cipherFor, readHandshake } from '../vectors/ike-handshake.ts';

const handshake = readHandshake();
const datagrams = handshake.messages.flatMap((message) => message.datagrams);

/** What the captured messages hold inside, fragment by fragment. */
export const CAPTURED_CHAINS: readonly FuzzInput[] = datagrams.flatMap((datagram) => {
  const message = decodeMessage(datagram);
  const [payload] = message.payloads;
  if (payload?.type !== 'SK' && payload?.type !== 'SKF')
    return [{ firstPayload: message.header.nextPayload, bytes: datagram.subarray(28) }];
  const cipher = cipherFor(handshake, message.header);
  const inner = cipher.decrypt(datagram.subarray(0, -payload.body.length), payload.body);
  expect(inner).toBeDefined();
  expect(decryptFragment(datagram, message, cipher) === undefined).toBe(payload.type === 'SK');
  return [{ firstPayload: payload.firstPayload, bytes: inner ?? new Uint8Array() }];
});

const whole = fc.constantFrom(...datagrams).map((bytes): FuzzInput => ({ firstPayload: 0, bytes }));

/** Payloads, or why there are none; numbers make no difference. */
function outcomeOf(decode: () => readonly Payload[]): string {
  try {
    const payloads = decode();
    expectStable(payloads);
    return payloads.map(({ type }) => type).join();
  } catch (error) {
    if (!(error instanceof MalformedMessageError)) throw error;
    return error.message.replaceAll(/\d+/g, '0');
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

const attemptChain = ({ firstPayload, bytes }: FuzzInput): string =>
  outcomeOf(() => decodePayloads(firstPayload, bytes));

/** RFC 7296 §3.1. */
const header: FuzzTarget = {
  name: 'IKE header',
  seeds: fc.oneof(
    whole.map(({ bytes }) => ({ firstPayload: 0, bytes: bytes.subarray(0, 28) })),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => ({ firstPayload: 0, bytes })),
  ),
  attempt: ({ bytes }) => {
    if (bytes.length < 28) {
      expect(() => decodeIkeHeader(bytes)).toThrow(MalformedMessageError);
      return 'short';
    }
    const { majorVersion, exchangeType } = decodeIkeHeader(bytes);
    return `${majorVersion === 2 ? 'this' : 'another'} version, exchange ${exchangeType < 38 ? 'known' : 'unknown'}`;
  },
};

const message: FuzzTarget = {
  name: 'IKE message',
  seeds: whole,
  attempt: ({ bytes }) => {
    const given = outcomeOf(() => messageOf(bytes));
    if (bytes.length < 28) return given;
    // Without the right length little of a message is looked at.
    const mended = Uint8Array.from(bytes);
    new DataView(mended.buffer).setUint32(24, mended.length);
    return outcomeOf(() => messageOf(mended));
  },
};

/** SK and SKF are the last of a message: they are no chain that can be encoded again. */
function messageOf(bytes: Uint8Array): readonly Payload[] {
  return decodeMessage(bytes).payloads.filter(({ type }) => type !== 'SK' && type !== 'SKF');
}

const inside: FuzzTarget = {
  name: 'SK payload after decryption',
  seeds: fc.oneof(
    fc.constantFrom(...CAPTURED_CHAINS),
    fc.array(openPayload, { minLength: 1, maxLength: 4 }).map(encodePayloads),
    fc.record({ firstPayload: fc.integer({ min: 30, max: 55 }), bytes: fc.uint8Array({ maxLength: 120 }) }),
  ),
  attempt: attemptChain,
};

/** Well formed ones, and a right generic header with any octets behind it, so that the body is reached. */
function payloadTarget(type: string, payload: fc.Arbitrary<Payload>): FuzzTarget {
  const [sample] = fc.sample(payload, 1).map((one) => encodePayloads([one]).firstPayload);
  const framed = fc.uint8Array({ maxLength: 200 }).map((bytes) => ({
    firstPayload: sample ?? 0,
    bytes: Buffer.concat([Uint8Array.of(0, 0, 0, 4 + bytes.length), bytes]),
  }));
  return {
    name: `payload ${type}`,
    seeds: fc.oneof(
      payload.map((one) => encodePayloads([one])),
      framed,
    ),
    attempt: attemptChain,
  };
}

export const IKE_TARGETS: readonly FuzzTarget[] = [
  header,
  message,
  inside,
  ...Object.entries(PAYLOADS)
    .filter(([type]) => type !== 'SK' && type !== 'SKF')
    .map(([type, payload]) => payloadTarget(type, payload)),
];
