// The Identification payloads IDi and IDr, RFC 7296 §3.5. Whom an identity may stand for is decided in the PAD.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |   ID Type     |                 RESERVED                      |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// ~                   Identification Data                         ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import { IdType, nameOfIdType } from './iana.ts';
import type { IdentificationPayload } from './payload.ts';

/** RFC 7296 §3.5: identities of one length. */
const EXACT_BYTES: ReadonlyMap<number, number> = new Map([
  [IdType.ID_IPV4_ADDR, 4],
  [IdType.ID_IPV6_ADDR, 16],
]);

export function decodeIdentification(
  reader: ByteReader,
  type: IdentificationPayload['type'],
): IdentificationPayload {
  const idType = reader.uint8('ID Type');
  // The octets count in AUTH as they were sent (RFC 7296 §2.15), so they are made again from type and data.
  reader.skip(3, 'RESERVED');
  const exactBytes = EXACT_BYTES.get(idType) ?? reader.remaining;
  if (reader.remaining !== exactBytes) {
    throw reader.malformed(`${nameOfIdType(idType)} has ${reader.remaining} bytes, not ${exactBytes}`);
  }
  return { type, idType, data: reader.rest() };
}

export function encodeIdentification(payload: IdentificationPayload, writer: ByteWriter): void {
  writer.uint8(payload.idType, 'ID Type');
  writer.zeros(3);
  writer.bytes(payload.data);
}
