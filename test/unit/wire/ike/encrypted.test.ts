import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedMessageError } from '../../../../src/base/errors.ts';
import {
  decryptFragment,
  decryptMessage,
  encodeEncrypted,
  type BodyCipher,
} from '../../../../src/wire/ike/encrypted.ts';
import { toIkeSpi } from '../../../../src/wire/ike/ike-spi.ts';
import { decodeMessage, decodePayloads, encodePayloads } from '../../../../src/wire/ike/message.ts';
import type { Payload } from '../../../../src/wire/ike/payload.ts';
import { openPayload } from '../../../support/ike-payloads.ts';
import { bytes } from '../../../support/payload-format.ts';
import { aesGcm } from '../../../vectors/ike-handshake.ts';

const HEADER = {
  initiatorSpi: toIkeSpi(bytes('1122334455667788')),
  responderSpi: toIkeSpi(bytes('99aabbccddeeff00')),
  majorVersion: 2,
  minorVersion: 0,
  exchangeType: 35,
  isFromInitiator: true,
  hasHigherVersion: false,
  isResponse: false,
  messageId: 1,
};
const VENDOR_ID: Payload = { type: 'V', vendorId: bytes('abcd') };

/** Not a cipher: a body of blocks of 16 octets that repeats what it was given, so that a test can look at it. */
const blocks: BodyCipher = {
  overheadFor: (innerBytes) => 16 + Math.ceil((innerBytes + 1) / 16) * 16 + 12,
  encrypt(header, inner) {
    const body = new Uint8Array(this.overheadFor(inner.length));
    body.set(inner, 16);
    body[body.length - 13] = body.length - 28 - inner.length - 1;
    body.set(header.subarray(0, 12), body.length - 12);
    return body;
  },
  decrypt(header, body) {
    if (!Buffer.from(header.subarray(0, 12)).equals(body.subarray(-12))) return undefined;
    return body.subarray(16, body.length - 13 - body[body.length - 13]!);
  },
};

/** Undefined where a fragment is missing, foreign or not authentic. */
function collect(datagrams: readonly Uint8Array[], cipher: BodyCipher): readonly Payload[] | undefined {
  const pieces = datagrams.map((datagram) => decryptFragment(datagram, decodeMessage(datagram), cipher));
  if (pieces.some((piece, i) => piece?.fragmentNumber !== i + 1)) return undefined;
  const inner = Buffer.concat(pieces.map((piece) => piece?.inner ?? new Uint8Array()));
  return decodePayloads(pieces[0]?.firstPayload ?? 0, inner);
}

it('gives the cipher everything in front of the IV', () => {
  const seen: Uint8Array[] = [];
  const cipher: BodyCipher = {
    ...blocks,
    encrypt(header, inner) {
      seen.push(header);
      return blocks.encrypt(header, inner);
    },
    decrypt(header, body) {
      seen.push(header);
      return blocks.decrypt(header, body);
    },
  };
  const [datagram] = encodeEncrypted(HEADER, [VENDOR_ID], cipher);
  if (datagram === undefined) throw new Error('there is one');
  expect(decryptMessage(datagram, decodeMessage(datagram), cipher)).toEqual({
    clear: [],
    encrypted: [VENDOR_ID],
  });
  // RFC 7296 §3.1, §3.14: next is SK (46), length 76; inside is V (43), 48 octets.
  const header = bytes('1122334455667788 99aabbccddeeff00 2e 20 23 08 00000001 0000004c 2b 00 0030');
  expect(seen.map((one) => Buffer.from(one).toString('hex'))).toEqual(
    [header, header].map((one) => Buffer.from(one).toString('hex')),
  );
});

it('RFC 7296 §1.4: an empty message is SK without payloads', () => {
  const cipher = aesGcm(new Uint8Array(36));
  const [datagram] = encodeEncrypted(HEADER, [], cipher);
  if (datagram === undefined) throw new Error('there is one');
  expect(decodeMessage(datagram).payloads).toMatchObject([{ type: 'SK', firstPayload: 0 }]);
  expect(decryptMessage(datagram, decodeMessage(datagram), cipher)).toEqual({ clear: [], encrypted: [] });
});

describe.each([
  ['AES-GCM', aesGcm(new Uint8Array(36).fill(7))],
  ['blocks', blocks],
] as const)('%s', (_name, cipher) => {
  const messages = fc.array(openPayload, { minLength: 1, maxLength: 8 });

  it('one message without a limit', () => {
    fc.assert(
      fc.property(messages, (payloads) => {
        const datagrams = encodeEncrypted(HEADER, payloads, cipher);
        expect(datagrams).toHaveLength(1);
        const opened = decryptMessage(datagrams[0]!, decodeMessage(datagrams[0]!), cipher);
        expect(opened).toEqual({ clear: [], encrypted: payloads });
      }),
      { numRuns: 50 },
    );
  });

  it('RFC 7383 §2.5: fragments, none above the limit, which together are the message', () => {
    fc.assert(
      fc.property(messages, fc.integer({ min: 90, max: 600 }), (payloads, limitBytes) => {
        const datagrams = encodeEncrypted(HEADER, payloads, cipher, limitBytes);
        const innerBytes = encodePayloads(payloads).bytes.length;
        if (32 + cipher.overheadFor(innerBytes) <= limitBytes) {
          expect(datagrams).toHaveLength(1);
          expect(decodeMessage(datagrams[0]!).payloads[0]?.type).toBe('SK');
          return;
        }
        expect(datagrams.length).toBeGreaterThan(1);
        datagrams.forEach((datagram, i) => {
          expect(datagram.length).toBeLessThanOrEqual(limitBytes);
          const { header, payloads: outer } = decodeMessage(datagram);
          expect(header).toMatchObject({ ...HEADER, nextPayload: 53, length: datagram.length });
          expect(outer).toMatchObject([
            {
              type: 'SKF',
              fragmentNumber: i + 1,
              totalFragments: datagrams.length,
              ...(i > 0 && { firstPayload: 0 }),
            },
          ]);
          // All but the last are as full as the cipher's blocks let them be.
          if (i < datagrams.length - 1) expect(datagram.length).toBeGreaterThan(limitBytes - 16);
        });
        expect(collect(datagrams, cipher)).toEqual(payloads);
        expect(collect(datagrams.toReversed(), cipher)).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  it('refuses a limit that nothing fits into', () => {
    expect(() => encodeEncrypted(HEADER, [VENDOR_ID], cipher, 60)).toThrow(
      /nothing fits into a fragment of 60 bytes/,
    );
  });
});

it('is undefined for what is not authentic, not encrypted, or of the other kind', () => {
  const cipher = aesGcm(new Uint8Array(36).fill(7));
  const other = aesGcm(new Uint8Array(36).fill(8));
  const [sk] = encodeEncrypted(HEADER, [VENDOR_ID], cipher);
  const [skf] = encodeEncrypted(HEADER, [{ type: 'V', vendorId: new Uint8Array(200) }], cipher, 100);
  if (sk === undefined || skf === undefined) throw new Error('there is one of each');
  expect(decryptMessage(sk, decodeMessage(sk), other)).toBeUndefined();
  expect(decryptFragment(skf, decodeMessage(skf), other)).toBeUndefined();
  expect(decryptMessage(skf, decodeMessage(skf), cipher)).toBeUndefined();
  expect(decryptFragment(sk, decodeMessage(sk), cipher)).toBeUndefined();
  const clear = { header: decodeMessage(sk).header, payloads: [VENDOR_ID] };
  expect(decryptMessage(sk, clear, cipher)).toBeUndefined();
});

it('RFC 7296 §2.21.2: throws for what is authentic and malformed', () => {
  const zeros: BodyCipher = { ...blocks, decrypt: () => bytes('00000003') };
  const [datagram] = encodeEncrypted(HEADER, [VENDOR_ID], blocks);
  if (datagram === undefined) throw new Error('there is one');
  expect(() => decryptMessage(datagram, decodeMessage(datagram), zeros)).toThrow(MalformedMessageError);
});

it('does not send what the cipher did not announce', () => {
  const liar: BodyCipher = { ...blocks, encrypt: () => bytes('00') };
  expect(() => encodeEncrypted(HEADER, [], liar)).toThrow('the cipher announced 44 bytes and made 1');
});
