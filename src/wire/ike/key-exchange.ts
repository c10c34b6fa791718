// The Key Exchange payload, RFC 7296 §3.4. Whether the value has its group's length is checked with the group.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |   Diffie-Hellman Group Num    |           RESERVED            |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// ~                       Key Exchange Data                       ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { KeyExchangePayload } from './payload.ts';

export function decodeKeyExchange(reader: ByteReader): KeyExchangePayload {
  const group = reader.uint16('Diffie-Hellman Group Num');
  reader.skip(2, 'RESERVED');
  return { type: 'KE', group, publicValue: reader.rest() };
}

export function encodeKeyExchange(payload: KeyExchangePayload, writer: ByteWriter): void {
  writer.uint16(payload.group, 'Diffie-Hellman Group Num');
  writer.zeros(2);
  writer.bytes(payload.publicValue);
}
