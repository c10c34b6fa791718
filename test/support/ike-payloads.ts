// Random IKE payloads that are well formed, one kind for each payload type of RFC 7296 §3.

import * as fc from 'fast-check';
import type { Address } from '../../src/base/address.ts';
import { compareAddresses } from '../../src/base/address.ts';
import type {
  KnownPayload,
  Payload,
  Proposal,
  TrafficSelector,
  Transform,
} from '../../src/wire/ike/payload.ts';

const octet = fc.nat(255);
const word = fc.nat(65_535);
const octets = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });
const anything = octets(0, 80);

const transform: fc.Arbitrary<Transform> = fc.record({
  type: octet,
  id: word,
  keyBits: fc.option(word, { nil: undefined }),
  hasUnknownAttribute: fc.constant(false),
});

const protocolAndSpi = fc.oneof(
  fc.record({ protocolId: fc.constant(1), spi: fc.oneof(octets(0, 0), octets(8, 8)) }),
  fc.record({ protocolId: fc.constantFrom(2, 3), spi: octets(4, 4) }),
);

const proposals = fc
  .array(fc.tuple(protocolAndSpi, fc.array(transform, { maxLength: 8 })), { minLength: 1, maxLength: 5 })
  .map((list) =>
    list.map(([{ protocolId, spi }, transforms], i): Proposal => ({
      number: i + 1,
      protocolId,
      spi,
      transforms,
    })),
  );

const addressPair = fc.constantFrom(4 as const, 6 as const).chain((family) => {
  const size = family === 4 ? 4 : 16;
  const address = octets(size, size).map((bytes): Address => ({ family, bytes }));
  return fc
    .tuple(address, address)
    .map(([a, b]) => (compareAddresses(a, b) <= 0 ? ([a, b] as const) : ([b, a] as const)));
});
const ports = fc.oneof(
  fc.constant([65_535, 0] as const),
  fc.tuple(word, word).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
);
const selector = fc
  .tuple(octet, ports, addressPair)
  .map(([protocol, [startPort, endPort], [first, last]]): TrafficSelector => {
    return { protocol, startPort, endPort, first, last };
  });
const selectors = fc.array(selector, { minLength: 1, maxLength: 10 });
const identity = fc.oneof(
  fc.record({ idType: fc.constant(1), data: octets(4, 4) }),
  fc.record({ idType: fc.constant(5), data: octets(16, 16) }),
  fc.record({ idType: fc.constantFrom(2, 3, 9, 11, 200), data: anything }),
);
const eap = octets(0, 60).map((data) => Uint8Array.of(1, 7, 0, 4 + data.length, ...data));
const deleted = fc.oneof(
  fc.constant({ protocolId: 1, spiBytes: 0, spis: [] }),
  fc.record({
    protocolId: fc.constantFrom(2, 3),
    spiBytes: fc.constant(4),
    spis: fc.array(octets(4, 4), { maxLength: 20 }),
  }),
);
const notifySpi = fc.oneof(
  fc.constant({ protocolId: 0, spi: new Uint8Array() }),
  fc.record({ protocolId: fc.constantFrom(1, 2, 3), spi: octets(1, 8) }),
);

/** Random payloads of one type. */
export const PAYLOADS: Readonly<Record<KnownPayload['type'], fc.Arbitrary<Payload>>> = {
  SA: fc.record({ type: fc.constant('SA'), proposals }),
  KE: fc.record({ type: fc.constant('KE'), group: word, publicValue: octets(0, 384) }),
  IDi: identity.map((id) => ({ type: 'IDi', ...id })),
  IDr: identity.map((id) => ({ type: 'IDr', ...id })),
  CERT: fc.record({ type: fc.constant('CERT'), encoding: octet, data: octets(0, 900) }),
  CERTREQ: fc.record({ type: fc.constant('CERTREQ'), encoding: octet, data: anything }),
  AUTH: fc.record({ type: fc.constant('AUTH'), method: octet, data: octets(0, 300) }),
  NONCE: fc.record({ type: fc.constant('NONCE'), nonce: octets(16, 256) }),
  N: fc
    .tuple(notifySpi, word, anything)
    .map(([spi, notifyType, data]) => ({ type: 'N', ...spi, notifyType, data })),
  D: deleted.map((value) => ({ type: 'D', ...value })),
  V: fc.record({ type: fc.constant('V'), vendorId: anything }),
  TSi: fc.record({ type: fc.constant('TSi'), selectors }),
  TSr: fc.record({ type: fc.constant('TSr'), selectors }),
  SK: fc.record({ type: fc.constant('SK'), firstPayload: octet, body: anything }),
  SKF: fc
    .tuple(octet, fc.integer({ min: 1, max: 65_535 }), fc.nat(65_535), anything)
    .map(([firstPayload, fragmentNumber, more, body]) => ({
      type: 'SKF',
      firstPayload,
      fragmentNumber,
      totalFragments: Math.min(65_535, fragmentNumber + more),
      body,
    })),
  CP: fc.record({
    type: fc.constant('CP'),
    cfgType: octet,
    attributes: fc.array(fc.record({ type: fc.nat(0x7fff), value: octets(0, 30) }), { maxLength: 10 }),
  }),
  EAP: eap.map((data) => ({ type: 'EAP', data })),
};

const open = Object.entries(PAYLOADS).filter(([type]) => type !== 'SK' && type !== 'SKF');

/** What an SK payload may hold, unknown types included. */
export const openPayload: fc.Arbitrary<Payload> = fc.oneof(
  ...open.map(([, payload]) => payload),
  fc.record({
    type: fc.constant('unknown'),
    payloadType: fc.constantFrom(1, 32, 49, 52, 54, 128, 255),
    critical: fc.boolean(),
    body: anything,
  }),
);
