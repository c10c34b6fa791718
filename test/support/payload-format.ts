// The five tests that every payload format of IKE has: decode, encode, short input, round trip, hostile lengths.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedMessageError } from '../../src/base/errors.ts';
import { PayloadType } from '../../src/wire/ike/iana.ts';
import { decodePayloads, encodePayloads } from '../../src/wire/ike/message.ts';
import type { KnownPayload, Payload } from '../../src/wire/ike/payload.ts';
import { PAYLOADS } from './ike-payloads.ts';

/** Blanks are for the reader. */
export function bytes(hexadecimal: string): Uint8Array {
  const digits = hexadecimal.replaceAll(/\s/g, '');
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error(`not hexadecimal: ${digits}`);
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

/** Of one payload, alone and inside SK. */
export function decodeBody(type: KnownPayload['type'], body: Uint8Array): Payload | undefined {
  const header = Uint8Array.of(0, 0, (4 + body.length) >> 8, (4 + body.length) & 0xff);
  return decodePayloads(PayloadType[type], Buffer.concat([header, body]))[0];
}

export interface Format<P extends KnownPayload> {
  /** What the body is, written down after the RFC's drawing. */
  readonly body: string;
  readonly payload: P;
  /** A body with fewer octets than this is malformed. */
  readonly shortest: number;
  /** Bodies whose lengths, counts or values are wrong, and what is said of them. */
  readonly hostile: readonly (readonly [what: string, body: string, problem: RegExp])[];
}

export function describeFormat<P extends Exclude<KnownPayload, { type: 'SK' | 'SKF' }>>(
  format: Format<P>,
): void {
  const { payload } = format;
  const { type } = payload;
  const body = bytes(format.body);

  describe(`the ${type} payload`, () => {
    it('is decoded', () => {
      expect(decodeBody(type, body)).toEqual(payload);
    });

    it('is encoded', () => {
      const encoded = encodePayloads([payload]);
      expect(encoded.firstPayload).toBe(PayloadType[type]);
      expect(Buffer.from(encoded.bytes).toString('hex')).toBe(
        Buffer.concat([Uint8Array.of(0, 0, 0, 4 + body.length), body]).toString('hex'),
      );
    });

    it('is malformed when too short', () => {
      const whole = encodePayloads([payload]).bytes;
      for (let length = 0; length < whole.length; length++) {
        expect(() => decodePayloads(PayloadType[type], whole.subarray(0, length))).toThrow(
          MalformedMessageError,
        );
      }
      for (let length = 0; length < format.shortest; length++) {
        expect(() => decodeBody(type, body.subarray(0, length)), `${length} octets`).toThrow(
          MalformedMessageError,
        );
      }
    });

    it('is the same after encoding and decoding', () => {
      fc.assert(
        fc.property(PAYLOADS[type], (any) => {
          const { firstPayload, bytes: encoded } = encodePayloads([any]);
          expect(decodePayloads(firstPayload, encoded)).toEqual([any]);
        }),
        { numRuns: 200 },
      );
    });

    it.each(format.hostile)('is malformed with %s', (_what, hostile, problem) => {
      expect(() => decodeBody(type, bytes(hostile))).toThrow(problem);
      expect(() => decodeBody(type, bytes(hostile))).toThrow(MalformedMessageError);
    });
  });
}
