import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedMessageError } from '../../../../src/base/errors.ts';
import { NO_IKE_SPI, toIkeSpi } from '../../../../src/wire/ike/ike-spi.ts';
import {
  decodeMessage,
  decodePayloads,
  encodeMessage,
  encodePayloads,
} from '../../../../src/wire/ike/message.ts';
import { MAX_PAYLOADS } from '../../../../src/wire/ike/payload-chain.ts';
import type { Payload } from '../../../../src/wire/ike/payload.ts';
import { openPayload, PAYLOADS } from '../../../support/ike-payloads.ts';
import { bytes } from '../../../support/payload-format.ts';

const HEADER = {
  initiatorSpi: toIkeSpi(bytes('1122334455667788')),
  responderSpi: NO_IKE_SPI,
  majorVersion: 2,
  minorVersion: 0,
  exchangeType: 34,
  isFromInitiator: true,
  hasHigherVersion: false,
  isResponse: false,
  messageId: 0,
};
const NONCE = '000102030405060708090a0b0c0d0e0f';
const PAYLOADS_OF_TWO: readonly Payload[] = [
  { type: 'NONCE', nonce: bytes(NONCE) },
  { type: 'V', vendorId: bytes('abcd') },
];
const TWO = bytes(`1122334455667788 0000000000000000 28 20 22 08 00000000 00000036
  2b 00 0014 ${NONCE}
  00 00 0006 abcd`);

/** TWO with one octet changed. */
const changed = (at: number, value: number): Uint8Array => {
  const copy = Uint8Array.from(TWO);
  copy[at] = value;
  return copy;
};

describe('a message', () => {
  it('is decoded', () => {
    expect(decodeMessage(TWO)).toEqual({
      header: { ...HEADER, nextPayload: 40, length: 54 },
      payloads: PAYLOADS_OF_TWO,
    });
  });

  it('is encoded', () => {
    expect(encodeMessage(HEADER, PAYLOADS_OF_TWO)).toEqual(TWO);
  });

  it('without payloads is a header', () => {
    expect(decodeMessage(encodeMessage(HEADER, [])).payloads).toEqual([]);
  });

  it('is malformed when cut anywhere, or too long', () => {
    for (let length = 0; length < TWO.length; length++) {
      expect(() => decodeMessage(TWO.subarray(0, length))).toThrow(MalformedMessageError);
    }
    expect(() => decodeMessage(Buffer.concat([TWO, bytes('00')]))).toThrow(
      'IKE message, byte 0: Length is 54 in a datagram of 55 bytes',
    );
  });

  it.each([
    [17, 0x30, /major version 3/],
    [27, 0x35, /Length is 53 in a datagram of 54 bytes/],
    [28, 0x00, /6 bytes too many/],
    [31, 0x03, /Payload Length is 3, less than 4/],
    [31, 0x00, /Payload Length is 0, less than 4/],
    [30, 0xff, /NONCE payload needs 65296 bytes, 22 are left/],
    [48, 0x2b, /Next Payload needs 1 bytes, 0 are left/],
    [51, 0x07, /V payload needs 3 bytes, 2 are left/],
    [51, 0x05, /1 bytes too many/],
  ])('is malformed with octet %i as %i', (at, value, problem) => {
    expect(() => decodeMessage(changed(at, value))).toThrow(problem);
    expect(() => decodeMessage(changed(at, value))).toThrow(MalformedMessageError);
  });

  it('names the place of what is wrong', () => {
    const short = bytes(`1122334455667788 0000000000000000 2b 20 22 08 00000000 00000029
      28 00 0004
      00 00 0009 0102030405`);
    expect(() => decodeMessage(short)).toThrow(
      'IKE message, NONCE payload 2, byte 36: the nonce has 5 bytes, not 16 to 256',
    );
  });

  it('owns its octets: the datagram may be overwritten', () => {
    const datagram = Buffer.from(TWO);
    const message = decodeMessage(datagram);
    datagram.fill(0xee);
    expect(message.payloads).toEqual(PAYLOADS_OF_TWO);
  });
});

describe('a chain of payloads', () => {
  it('is the same after encoding and decoding', () => {
    fc.assert(
      fc.property(fc.array(openPayload, { maxLength: 20 }), (payloads) => {
        const { firstPayload, bytes: encoded } = encodePayloads(payloads);
        expect(decodePayloads(firstPayload, encoded)).toEqual(payloads);
        expect(decodeMessage(encodeMessage(HEADER, payloads)).payloads).toEqual(payloads);
      }),
      { numRuns: 300 },
    );
  });

  it('ends with SK or SKF, whose Next Payload is of what is inside', () => {
    const closed = fc.oneof(PAYLOADS.SK, PAYLOADS.SKF);
    fc.assert(
      fc.property(fc.array(openPayload, { maxLength: 3 }), closed, (before, last) => {
        const payloads = [...before, last];
        expect(decodeMessage(encodeMessage(HEADER, payloads)).payloads).toEqual(payloads);
      }),
    );
  });

  it('RFC 7296 §2.5: carries the critical bit of an unknown payload, and ignores that of a known one', () => {
    const unknown = { type: 'unknown', payloadType: 200, critical: true, body: bytes('01') } as const;
    expect(decodePayloads(200, bytes('00 80 0005 01'))).toEqual([unknown]);
    expect(decodePayloads(200, bytes('00 7f 0005 01'))).toEqual([{ ...unknown, critical: false }]);
    expect(encodePayloads([unknown])).toEqual({ firstPayload: 200, bytes: bytes('00 80 0005 01') });
    expect(decodePayloads(43, bytes('00 80 0005 01'))).toEqual([{ type: 'V', vendorId: bytes('01') }]);
    expect(encodePayloads([{ type: 'V', vendorId: bytes('01') }]).bytes).toEqual(bytes('00 00 0005 01'));
  });

  it('RFC 7296 §3.14: has no Encrypted payload inside of another', () => {
    for (const [type, body] of [
      [46, '00 00 0008 01020304'],
      [53, '00 00 0009 0001 0001 01'],
    ] as const) {
      expect(() => decodePayloads(type, bytes(body))).toThrow('an Encrypted payload inside of another');
    }
  });

  it('RFC 7296 §3.14: has nothing behind SK', () => {
    const behind = bytes(`1122334455667788 0000000000000000 2e 20 23 08 00000001 00000028
      2b 00 0008 01020304
      00 00 0004`);
    expect(() => decodeMessage(behind)).toThrow('4 bytes too many');
    const sk = { type: 'SK', firstPayload: 0, body: bytes('01') } as const;
    expect(() => encodePayloads([sk, ...PAYLOADS_OF_TWO])).toThrow('SK is not the last payload');
  });

  it.each([
    ['0000 0001', /there is no fragment 0 of 1/],
    ['0002 0001', /there is no fragment 2 of 1/],
    ['0000 0000', /there is no fragment 0 of 0/],
    ['0001', /Total Fragments needs 2 bytes, 0 are left/],
  ])('RFC 7383 §2.5: has no fragment %s', (fields, problem) => {
    const skf = bytes(fields);
    const head = Uint8Array.of(0, 0, 0, 4 + skf.length);
    expect(() => decodePayloads(53, Buffer.concat([head, skf]))).toThrow(problem);
  });

  it('has so many payloads and no more', () => {
    const chain = (count: number): Uint8Array =>
      Buffer.concat(
        Array.from({ length: count }, (_, i) => bytes(`${i === count - 1 ? '00' : '2b'} 00 0004`)),
      );
    expect(decodePayloads(43, chain(MAX_PAYLOADS))).toHaveLength(MAX_PAYLOADS);
    expect(() => decodePayloads(43, chain(MAX_PAYLOADS + 1))).toThrow(/more than 256 payloads/);
  });

  it('has no payload that its length field cannot tell', () => {
    expect(() => encodePayloads([{ type: 'V', vendorId: new Uint8Array(65_532) }])).toThrow(
      'Payload Length is 65536; 0 to 65535 can be written',
    );
    expect(encodePayloads([{ type: 'V', vendorId: new Uint8Array(65_531) }]).bytes).toHaveLength(65_535);
  });
});
