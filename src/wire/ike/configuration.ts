// The Configuration payload, RFC 7296 §3.15 and §3.15.1. Addresses are not assigned; a request for one is answered
// with an error, so the attributes stay uninterpreted. CFG Type (1) and three reserved octets, then attributes:
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |R|         Attribute Type      |            Length             |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// ~                             Value                             ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { ConfigurationAttribute, ConfigurationPayload } from './payload.ts';

/** Without R, which is ignored. */
const ATTRIBUTE_TYPE = 0x7fff;

export function decodeConfiguration(reader: ByteReader): ConfigurationPayload {
  const cfgType = reader.uint8('CFG Type');
  reader.skip(3, 'RESERVED');
  const attributes: ConfigurationAttribute[] = [];
  while (reader.remaining > 0) {
    const type = reader.uint16('Attribute Type') & ATTRIBUTE_TYPE;
    const length = reader.uint16('Length');
    attributes.push({ type, value: reader.bytes(length, 'Value') });
  }
  return { type: 'CP', cfgType, attributes };
}

export function encodeConfiguration(payload: ConfigurationPayload, writer: ByteWriter): void {
  writer.uint8(payload.cfgType, 'CFG Type');
  writer.zeros(3);
  for (const { type, value } of payload.attributes) {
    writer.uint16(type, 'Attribute Type');
    writer.uint16(value.length, 'Length');
    writer.bytes(value);
  }
}
