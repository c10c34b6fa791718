// The Delete payload, RFC 7296 §3.11.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// | Protocol ID   |   SPI Size    |          Num of SPIs          |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// ~               Security Parameter Index(es) (SPI)              ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import { InvariantError } from '../../base/errors.ts';
import { nameOfProtocol, ProtocolId } from './iana.ts';
import type { DeletePayload } from './payload.ts';

/** RFC 7296 §3.11: an IKE SA is named by the header; AH and ESP have SPIs of four octets. */
const SPI_BYTES: ReadonlyMap<number, number> = new Map([
  [ProtocolId.IKE, 0],
  [ProtocolId.AH, 4],
  [ProtocolId.ESP, 4],
]);

export function decodeDelete(reader: ByteReader): DeletePayload {
  const protocolId = reader.uint8('Protocol ID');
  const spiBytes = reader.uint8('SPI Size');
  const expectedBytes = SPI_BYTES.get(protocolId) ?? spiBytes;
  if (spiBytes !== expectedBytes) {
    throw reader.malformed(
      `SPI Size is ${spiBytes}, not ${expectedBytes}, for ${nameOfProtocol(protocolId)}`,
    );
  }
  const count = reader.uint16('Num of SPIs');
  if (count * spiBytes !== reader.remaining) {
    throw reader.malformed(`${count} SPIs of ${spiBytes} bytes do not fill ${reader.remaining} bytes`);
  }
  const spis: Uint8Array[] = [];
  // SPIs without octets are none, however many are announced.
  while (reader.remaining > 0) spis.push(reader.bytes(spiBytes, 'SPI'));
  return { type: 'D', protocolId, spiBytes, spis };
}

export function encodeDelete({ protocolId, spiBytes, spis }: DeletePayload, writer: ByteWriter): void {
  writer.uint8(protocolId, 'Protocol ID');
  writer.uint8(spiBytes, 'SPI Size');
  writer.uint16(spis.length, 'Num of SPIs');
  for (const spi of spis) {
    if (spi.length !== spiBytes) throw new InvariantError(`an SPI has ${spi.length} bytes, not ${spiBytes}`);
    writer.bytes(spi);
  }
}
