// Payloads one after another, each with the generic header of RFC 7296 §3.2, which names the type of the next one.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// | Next Payload  |C|  RESERVED   |         Payload Length        |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import { InvariantError } from '../../base/errors.ts';
import { nameOfPayload, PayloadType } from './iana.ts';
import { decodePayloadBody, encodePayloadBody } from './payload-codecs.ts';
import type { Payload } from './payload.ts';

export const PAYLOAD_HEADER_BYTES = 4;
const CRITICAL = 0x80;

/** No honest message comes near; a datagram could hold sixteen thousand empty ones. */
export const MAX_PAYLOADS = 256;

/**
 * Reads payloads up to the end. Throws MalformedMessageError.
 *
 * @param firstPayload the type of the first one, 0 where there is none
 */
export function decodeChain(firstPayload: number, reader: ByteReader): readonly Payload[] {
  const payloads: Payload[] = [];
  let payloadType = firstPayload;
  while (payloadType !== PayloadType.NONE) {
    if (payloads.length === MAX_PAYLOADS) throw reader.malformed(`more than ${MAX_PAYLOADS} payloads`);
    const nextPayload = reader.uint8('Next Payload');
    // RFC 7296 §2.5: C counts for types that are not known; RESERVED is ignored.
    const critical = (reader.uint8('flags') & CRITICAL) !== 0;
    const length = reader.uint16('Payload Length');
    if (length < PAYLOAD_HEADER_BYTES) throw reader.malformed(`Payload Length is ${length}, less than 4`);
    const name = nameOfPayload(payloadType);
    const body = reader.part(length - PAYLOAD_HEADER_BYTES, `${name} payload`, payloads.length + 1);
    payloads.push(decodePayloadBody(body, { payloadType, nextPayload, critical }));
    // RFC 7296 §3.14: SK is the last payload, and so is SKF (RFC 7383 §2.5).
    payloadType = isEncryptedType(payloadType) ? PayloadType.NONE : nextPayload;
  }
  reader.expectEnd();
  return payloads;
}

export function encodeChain(payloads: readonly Payload[], writer: ByteWriter): void {
  payloads.forEach((payload, index) => {
    const isLast = index === payloads.length - 1;
    const holdsOthers = payload.type === 'SK' || payload.type === 'SKF';
    if (holdsOthers && !isLast) throw new InvariantError(`${payload.type} is not the last payload`);
    const nextPayload = holdsOthers ? payload.firstPayload : typeOf(payloads[index + 1]);
    writer.uint8(nextPayload, 'Next Payload');
    // RFC 7296 §2.5: C is zero for the types that RFC 7296 defines.
    writer.uint8(payload.type === 'unknown' && payload.critical ? CRITICAL : 0, 'flags');
    writer.withLength16(2, 'Payload Length', () => encodePayloadBody(payload, writer));
  });
}

/** What the Next Payload field in front of it says; 0 where there is none. */
export function typeOf(payload: Payload | undefined): number {
  if (payload === undefined) return PayloadType.NONE;
  return payload.type === 'unknown' ? payload.payloadType : PayloadType[payload.type];
}

function isEncryptedType(payloadType: number): boolean {
  return payloadType === PayloadType.SK || payloadType === PayloadType.SKF;
}
