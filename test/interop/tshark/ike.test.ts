// tshark dissects what the encoder wrote, and a captured handshake: it finds the payloads and fields that the decoder
// finds, and nothing malformed.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddress } from '../../../src/base/address.ts';
import { decryptMessage, encodeEncrypted } from '../../../src/wire/ike/encrypted.ts';
import { PayloadType } from '../../../src/wire/ike/iana.ts';
import { toIkeSpi } from '../../../src/wire/ike/ike-spi.ts';
import { decodeMessage, encodeMessage } from '../../../src/wire/ike/message.ts';
import type { Payload, TrafficSelector } from '../../../src/wire/ike/payload.ts';
import { PAYLOADS } from '../../support/ike-payloads.ts';
import { aesGcm, cipherFor, readHandshake } from '../../vectors/ike-handshake.ts';
import { dissect, inIpv4 } from './tshark.ts';

const PROTOCOL_UDP = 17;
const PORT = 500;
/** tshark says so of a value without octets. */
const octets = (text: string): string => (text === '<MISSING>' ? '' : text);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function inUdp(message: Uint8Array): Uint8Array {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(PORT, 0);
  header.writeUInt16BE(PORT, 2);
  header.writeUInt16BE(8 + message.length, 4);
  return inIpv4(PROTOCOL_UDP, Buffer.concat([header, message]));
}

/** Numbers as tshark gives them: in decimal, or in hexadecimal. */
const number = (text: string): number => Number(text);
const selectorsOf = (payloads: readonly Payload[]): readonly TrafficSelector[] =>
  payloads.flatMap((payload) => (payload.type === 'TSi' || payload.type === 'TSr' ? payload.selectors : []));
const transformsOf = (payloads: readonly Payload[]) =>
  payloads
    .flatMap((payload) => (payload.type === 'SA' ? payload.proposals : []))
    .flatMap((one) => one.transforms);

/** tshark's name of a field, how its values compare, and the same from what the decoder gave. */
const FIELDS: readonly (readonly [
  field: string,
  read: (text: string) => number | string,
  ours: (payloads: readonly Payload[]) => readonly (number | string)[],
])[] = [
  ['isakmp.notify.msgtype', number, (all) => all.flatMap((one) => (one.type === 'N' ? one.notifyType : []))],
  [
    'isakmp.prop.number',
    number,
    (all) => all.flatMap((one) => (one.type === 'SA' ? one.proposals.map((p) => p.number) : [])),
  ],
  ['isakmp.tf.type', number, (all) => transformsOf(all).map(({ type }) => type)],
  [
    'isakmp.tf.id.encr',
    number,
    (all) =>
      transformsOf(all)
        .filter(({ type }) => type === 1)
        .map(({ id }) => id),
  ],
  [
    'isakmp.tf.id.dh',
    number,
    (all) =>
      transformsOf(all)
        .filter(({ type }) => type === 4)
        .map(({ id }) => id),
  ],
  ['isakmp.ike2.attr.key_length', number, (all) => transformsOf(all).flatMap(({ keyBits }) => keyBits ?? [])],
  [
    'isakmp.key_exchange.dh_group',
    number,
    (all) => all.flatMap((one) => (one.type === 'KE' ? one.group : [])),
  ],
  [
    'isakmp.key_exchange.data',
    octets,
    (all) => all.flatMap((one) => (one.type === 'KE' ? hex(one.publicValue) : [])),
  ],
  ['isakmp.nonce', String, (all) => all.flatMap((one) => (one.type === 'NONCE' ? hex(one.nonce) : []))],
  [
    'isakmp.id.type',
    number,
    (all) => all.flatMap((one) => (one.type === 'IDi' || one.type === 'IDr' ? one.idType : [])),
  ],
  ['isakmp.cert.encoding', number, (all) => all.flatMap((one) => (one.type === 'CERT' ? one.encoding : []))],
  ['isakmp.auth.method', number, (all) => all.flatMap((one) => (one.type === 'AUTH' ? one.method : []))],
  ['isakmp.delete.spi', String, (all) => all.flatMap((one) => (one.type === 'D' ? one.spis.map(hex) : []))],
  ['isakmp.ts.start_port', number, (all) => selectorsOf(all).map(({ startPort }) => startPort)],
  ['isakmp.ts.end_port', number, (all) => selectorsOf(all).map(({ endPort }) => endPort)],
  ['isakmp.ts.start_ipv4', String, (all) => addresses(all, 4, 'first')],
  ['isakmp.ts.end_ipv4', String, (all) => addresses(all, 4, 'last')],
  ['isakmp.ts.start_ipv6', String, (all) => addresses(all, 6, 'first')],
  ['isakmp.ts.end_ipv6', String, (all) => addresses(all, 6, 'last')],
];

function addresses(payloads: readonly Payload[], family: 4 | 6, end: 'first' | 'last'): string[] {
  return selectorsOf(payloads)
    .map((selector) => selector[end])
    .filter((address) => address.family === family)
    .map(formatAddress);
}

/** tshark counts proposals (2) and transforms (3) as payloads. */
function typesOf(payloads: readonly Payload[]): number[] {
  return payloads.flatMap((payload) => {
    if (payload.type === 'unknown') return payload.payloadType;
    const parts =
      payload.type === 'SA' ? payload.proposals.flatMap((one) => [2, ...one.transforms.map(() => 3)]) : [];
    return [PayloadType[payload.type], ...parts];
  });
}

interface Expected {
  readonly message: Uint8Array;
  /** In front of the payloads: SK. */
  readonly outer: readonly number[];
  readonly payloads: readonly Payload[];
}

function expectAgreement(messages: readonly Expected[], preferences: readonly string[]): void {
  const fields = ['isakmp.typepayload', '_ws.malformed', ...FIELDS.map(([field]) => field)];
  const rows = dissect(
    messages.map(({ message }) => inUdp(message)),
    preferences,
    fields,
  );
  expect(rows).toHaveLength(messages.length);
  rows.forEach(([types = [], malformed, ...values], i) => {
    const { message, outer, payloads } = messages[i]!;
    expect(types.map(Number), hex(message)).toEqual([...outer, ...typesOf(payloads)]);
    expect(malformed, hex(message)).toEqual([]);
    FIELDS.forEach(([field, read, ours], f) => {
      expect(values[f]?.map(read), `${field} of ${hex(message)}`).toEqual(ours(payloads));
    });
  });
}

const HEADER = {
  initiatorSpi: toIkeSpi(Buffer.from('1122334455667788', 'hex')),
  responderSpi: toIkeSpi(Buffer.from('99aabbccddeeff00', 'hex')),
  majorVersion: 2,
  minorVersion: 0,
  exchangeType: 37,
  isFromInitiator: true,
  hasHigherVersion: false,
  isResponse: false,
  messageId: 7,
};
const decryption = (
  initiatorSpi: string,
  responderSpi: string,
  initiator: Uint8Array,
  responder: Uint8Array,
): string =>
  `uat:ikev2_decryption_table:${initiatorSpi},${responderSpi},${hex(initiator)},${hex(responder)},` +
  '"AES-GCM-256 with 16 octet ICV [RFC5282]",,,"NONE [RFC4306]"';

// What tshark looks into by meaning (identities, certificates, notify data, EAP) is malformed when random.
const { SA, KE, NONCE, D, V, TSi, TSr } = PAYLOADS;
const messages = fc.sample(
  fc.array(fc.oneof(SA, KE, NONCE, D, V, TSi, TSr), { minLength: 1, maxLength: 6 }),
  {
    numRuns: 200,
    seed: 7296,
  },
);

test('tshark reads what was encoded', () => {
  const clear = messages.map((payloads) => ({
    message: encodeMessage(HEADER, payloads),
    outer: [],
    payloads,
  }));
  expectAgreement(clear, []);
});

test('tshark decrypts what was encrypted', () => {
  const key = Buffer.alloc(36, 0x42);
  const encrypted = messages.map((payloads) => {
    const [message] = encodeEncrypted(HEADER, payloads, aesGcm(key));
    if (message === undefined) throw new Error('there is one');
    return { message, outer: [PayloadType.SK], payloads };
  });
  expectAgreement(encrypted, [decryption(HEADER.initiatorSpi, HEADER.responderSpi, key, key)]);
});

test('tshark and the decoder read the same in a captured handshake', () => {
  const handshake = readHandshake();
  const whole = handshake.messages.filter(({ datagrams }) => datagrams.length === 1);
  const expected = whole.map(({ datagrams }): Expected => {
    const message = datagrams[0]!;
    const decoded = decodeMessage(message);
    if (decoded.payloads.at(-1)?.type !== 'SK') return { message, outer: [], payloads: decoded.payloads };
    const opened = decryptMessage(message, decoded, cipherFor(handshake, decoded.header));
    return { message, outer: [PayloadType.SK], payloads: opened?.encrypted ?? [] };
  });
  const keys = handshake.associations.map((sa) =>
    decryption(sa.initiatorSpi, sa.responderSpi, sa.initiatorKey, sa.responderKey),
  );
  expect(expected).toHaveLength(16);
  expectAgreement(expected, keys);
});
