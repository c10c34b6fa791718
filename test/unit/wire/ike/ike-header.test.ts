import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteWriter } from '../../../../src/base/byte-writer.ts';
import { InvariantError, MalformedMessageError } from '../../../../src/base/errors.ts';
import { decodeIkeHeader, encodeIkeHeader, type IkeHeader } from '../../../../src/wire/ike/ike-header.ts';
import { ikeSpiBytes, NO_IKE_SPI, toIkeSpi } from '../../../../src/wire/ike/ike-spi.ts';
import { bytes } from '../../../support/payload-format.ts';

// RFC 7296 §3.1: SPIs, Next Payload 33, version 2.0, exchange 34, flags, Message ID, Length.
const BYTES = bytes('1122334455667788 99aabbccddeeff00 21 20 22 08 00000000 0000001c');
const HEADER: IkeHeader = {
  initiatorSpi: toIkeSpi(bytes('1122334455667788')),
  responderSpi: toIkeSpi(bytes('99aabbccddeeff00')),
  nextPayload: 33,
  majorVersion: 2,
  minorVersion: 0,
  exchangeType: 34,
  isFromInitiator: true,
  hasHigherVersion: false,
  isResponse: false,
  messageId: 0,
  length: 28,
};

const encode = (header: IkeHeader): Uint8Array => {
  const writer = new ByteWriter();
  encodeIkeHeader(header, writer);
  return writer.finish();
};

it('is decoded', () => {
  expect(decodeIkeHeader(BYTES)).toEqual(HEADER);
});

it('is encoded', () => {
  expect(encode(HEADER)).toEqual(BYTES);
});

it.each([
  [0x08, { isFromInitiator: true, hasHigherVersion: false, isResponse: false }],
  [0x10, { isFromInitiator: false, hasHigherVersion: true, isResponse: false }],
  [0x20, { isFromInitiator: false, hasHigherVersion: false, isResponse: true }],
  // RFC 7296 §3.1: the X bits are ignored.
  [0xc7, { isFromInitiator: false, hasHigherVersion: false, isResponse: false }],
])('RFC 7296 §3.1: reads the flags 0x%s', (flags, meaning) => {
  const changed = Uint8Array.from(BYTES);
  changed[19] = flags;
  expect(decodeIkeHeader(changed)).toEqual({ ...HEADER, ...meaning });
});

it('RFC 7296 §2.5: reads a header of any version', () => {
  const changed = Uint8Array.from(BYTES);
  changed[17] = 0x35;
  expect(decodeIkeHeader(changed)).toEqual({ ...HEADER, majorVersion: 3, minorVersion: 5 });
});

it('is malformed when too short', () => {
  for (let length = 0; length < 28; length++) {
    expect(() => decodeIkeHeader(BYTES.subarray(0, length))).toThrow(MalformedMessageError);
  }
});

it('is the same after encoding and decoding', () => {
  const spi = fc.uint8Array({ minLength: 8, maxLength: 8 }).map(toIkeSpi);
  const octet = fc.nat(255);
  const uint32 = fc.nat(0xffff_ffff);
  const header = fc.record({
    initiatorSpi: spi,
    responderSpi: spi,
    nextPayload: octet,
    majorVersion: fc.nat(15),
    minorVersion: fc.nat(15),
    exchangeType: octet,
    isFromInitiator: fc.boolean(),
    hasHigherVersion: fc.boolean(),
    isResponse: fc.boolean(),
    messageId: uint32,
    length: uint32,
  });
  fc.assert(
    fc.property(header, (any) => {
      expect(decodeIkeHeader(encode(any))).toEqual(any);
    }),
  );
});

it('holds the highest Message ID and the highest length', () => {
  const changed = Uint8Array.from(BYTES).fill(0xff, 20);
  expect(decodeIkeHeader(changed)).toMatchObject({ messageId: 0xffff_ffff, length: 0xffff_ffff });
});

it.each([{ messageId: 2 ** 32 }, { messageId: -1 }, { length: 1.5 }, { majorVersion: 16 }])(
  'does not write %o',
  (change) => {
    expect(() => encode({ ...HEADER, ...change })).toThrow(InvariantError);
  },
);

it('knows an SPI as text and as octets', () => {
  expect(NO_IKE_SPI).toBe('0000000000000000');
  expect(toIkeSpi(bytes('00ff00ff00ff00aa'))).toBe('00ff00ff00ff00aa');
  expect(ikeSpiBytes(toIkeSpi(bytes('00ff00ff00ff00aa')))).toEqual(bytes('00ff00ff00ff00aa'));
  expect(() => toIkeSpi(bytes('0011'))).toThrow('an IKE SPI has 8 bytes, not 2');
});
