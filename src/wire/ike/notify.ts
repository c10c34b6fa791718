// The Notify payload, RFC 7296 §3.10. What a type's data must be is known to whoever handles the type.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |  Protocol ID  |   SPI Size    |      Notify Message Type      |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// ~                Security Parameter Index (SPI)                 ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// ~                       Notification Data                       ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { NotifyPayload } from './payload.ts';

export function decodeNotify(reader: ByteReader): NotifyPayload {
  const protocolId = reader.uint8('Protocol ID');
  const spiBytes = reader.uint8('SPI Size');
  const notifyType = reader.uint16('Notify Message Type');
  const spi = reader.bytes(spiBytes, 'SPI');
  // RFC 7296 §3.10: without an SPI the protocol is ignored, and sent as zero.
  return { type: 'N', protocolId: spiBytes === 0 ? 0 : protocolId, spi, notifyType, data: reader.rest() };
}

export function encodeNotify({ protocolId, spi, notifyType, data }: NotifyPayload, writer: ByteWriter): void {
  writer.uint8(spi.length === 0 ? 0 : protocolId, 'Protocol ID');
  writer.uint8(spi.length, 'SPI Size');
  writer.uint16(notifyType, 'Notify Message Type');
  writer.bytes(spi);
  writer.bytes(data);
}
