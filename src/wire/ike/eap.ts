// The EAP payload, RFC 7296 §3.16. EAP is refused; the payload is read so that it can be.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |     Code      | Identifier    |           Length              |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |     Type      | Type_Data...
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { EapPayload } from './payload.ts';

const HEADER_BYTES = 4;

/** @returns the whole EAP message, from Code on */
export function decodeEap(reader: ByteReader): EapPayload {
  const bytes = reader.remaining;
  if (bytes < HEADER_BYTES) throw reader.malformed(`an EAP message of ${bytes} bytes is too short`);
  const data = reader.rest();
  const length = (data[2]! << 8) | data[3]!;
  // RFC 7296 §3.16: four less than the Payload Length.
  if (length !== bytes) throw reader.malformed(`the EAP Length is ${length} in ${bytes} bytes`);
  return { type: 'EAP', data };
}

export function encodeEap(payload: EapPayload, writer: ByteWriter): void {
  writer.bytes(payload.data);
}
