// The Authentication payload, RFC 7296 §3.8. What its data must be is RFC 7296 §2.15 and RFC 7427, not here.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// | Auth Method   |                RESERVED                       |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// ~                      Authentication Data                      ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { AuthenticationPayload } from './payload.ts';

export function decodeAuthentication(reader: ByteReader): AuthenticationPayload {
  const method = reader.uint8('Auth Method');
  reader.skip(3, 'RESERVED');
  return { type: 'AUTH', method, data: reader.rest() };
}

export function encodeAuthentication(payload: AuthenticationPayload, writer: ByteWriter): void {
  writer.uint8(payload.method, 'Auth Method');
  writer.zeros(3);
  writer.bytes(payload.data);
}
