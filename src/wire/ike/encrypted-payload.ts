// The Encrypted payload SK, RFC 7296 §3.14, and the Encrypted Fragment payload SKF, RFC 7383 §2.5, while they are
// closed. Both are the last payload of a message, and their Next Payload names the first payload inside.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// | Next Payload  |C|  RESERVED   |         Payload Length        |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |        Fragment Number        |        Total Fragments        |  only SKF
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// ~       Initialization Vector, encrypted payloads, padding,     ~
// ~       Pad Length (1), Integrity Checksum Data                 ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { EncryptedFragmentPayload, EncryptedPayload } from './payload.ts';

export function decodeEncrypted(reader: ByteReader, firstPayload: number): EncryptedPayload {
  return { type: 'SK', firstPayload, body: reader.rest() };
}

export function encodeEncryptedBody(payload: EncryptedPayload, writer: ByteWriter): void {
  writer.bytes(payload.body);
}

export function decodeEncryptedFragment(reader: ByteReader, firstPayload: number): EncryptedFragmentPayload {
  const fragmentNumber = reader.uint16('Fragment Number');
  const totalFragments = reader.uint16('Total Fragments');
  // RFC 7383 §2.5: numbers begin with 1 and end with the total.
  if (fragmentNumber === 0 || fragmentNumber > totalFragments) {
    throw reader.malformed(`there is no fragment ${fragmentNumber} of ${totalFragments}`);
  }
  return { type: 'SKF', firstPayload, fragmentNumber, totalFragments, body: reader.rest() };
}

export function encodeEncryptedFragmentBody(payload: EncryptedFragmentPayload, writer: ByteWriter): void {
  writer.uint16(payload.fragmentNumber, 'Fragment Number');
  writer.uint16(payload.totalFragments, 'Total Fragments');
  writer.bytes(payload.body);
}
