// The Security Association payload and its proposals, RFC 7296 §3.3 and §3.3.1. What of it is chosen is decided
// elsewhere.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// | Last Substruc |   RESERVED    |         Proposal Length       |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// | Proposal Num  |  Protocol ID  |    SPI Size   |Num  Transforms|
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// ~                        SPI (variable)                         ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// ~                        <Transforms>                           ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import { nameOfProtocol, ProtocolId } from './iana.ts';
import { IKE_SPI_BYTES } from './ike-spi.ts';
import type { Proposal, SecurityAssociationPayload, Transform } from './payload.ts';
import { decodeTransform, encodeTransform } from './transform.ts';

/** Last Substruc where another proposal follows. */
const MORE_PROPOSALS = 2;
const HEADER_BYTES = 8;
const CHILD_SA_SPI_BYTES = 4;
/** More than anybody has to offer. Each costs time, and a first message has not shown who it is from. */
const MOST_PROPOSALS = 32;
const MOST_TRANSFORMS = 256;

export function decodeSecurityAssociation(reader: ByteReader): SecurityAssociationPayload {
  const proposals: Proposal[] = [];
  let transforms = 0;
  let more = true;
  while (more) {
    const last = reader.uint8('Last Substruc');
    // RFC 7296 §3.3.1: 0 for the last one and 2 for the others.
    if (last !== 0 && last !== MORE_PROPOSALS) throw reader.malformed(`Last Substruc is ${last}, not 0 or 2`);
    more = last === MORE_PROPOSALS;
    if (proposals.length === MOST_PROPOSALS) throw reader.malformed(`more than ${MOST_PROPOSALS} proposals`);
    const proposal = decodeProposal(reader, proposals, MOST_TRANSFORMS - transforms);
    transforms += proposal.transforms.length;
    proposals.push(proposal);
  }
  reader.expectEnd();
  return { type: 'SA', proposals };
}

function decodeProposal(payload: ByteReader, before: readonly Proposal[], mostTransforms: number): Proposal {
  payload.skip(1, 'RESERVED');
  const length = payload.uint16('Proposal Length');
  if (length < HEADER_BYTES) throw payload.malformed(`Proposal Length is ${length}, less than 8`);
  const reader = payload.part(length - 4, 'proposal', before.length + 1);
  const number = reader.uint8('Proposal Num');
  const previous = before.at(-1)?.number;
  // RFC 7296 §3.3.1: each number is one more than that before. The only one of a response may have any number.
  if (previous !== undefined && number !== previous + 1) {
    throw reader.malformed(`Proposal Num ${number} follows ${previous}`);
  }
  const protocolId = reader.uint8('Protocol ID');
  const spiBytes = reader.uint8('SPI Size');
  checkSpiSize(reader, protocolId, spiBytes);
  const count = reader.uint8('Num Transforms');
  if (count > mostTransforms) throw reader.malformed(`more than ${MOST_TRANSFORMS} transforms`);
  const spi = reader.bytes(spiBytes, 'SPI');
  const transforms: Transform[] = [];
  while (transforms.length < count) transforms.push(decodeTransform(reader, transforms.length + 1, count));
  reader.expectEnd();
  return { number, protocolId, spi, transforms };
}

/** RFC 7296 §3.3.1: 0 for the first IKE SA and 8 when it is rekeyed; 4 for AH and ESP. */
function checkSpiSize(reader: ByteReader, protocolId: number, spiBytes: number): void {
  const isWrong =
    (protocolId === ProtocolId.IKE && spiBytes !== 0 && spiBytes !== IKE_SPI_BYTES) ||
    ((protocolId === ProtocolId.AH || protocolId === ProtocolId.ESP) && spiBytes !== CHILD_SA_SPI_BYTES);
  if (isWrong) throw reader.malformed(`SPI Size is ${spiBytes} for ${nameOfProtocol(protocolId)}`);
}

export function encodeSecurityAssociation(payload: SecurityAssociationPayload, writer: ByteWriter): void {
  payload.proposals.forEach((proposal, index) => {
    const isLast = index === payload.proposals.length - 1;
    writer.uint8(isLast ? 0 : MORE_PROPOSALS, 'Last Substruc');
    writer.zeros(1);
    writer.withLength16(2, 'Proposal Length', () => encodeProposal(proposal, writer));
  });
}

function encodeProposal({ number, protocolId, spi, transforms }: Proposal, writer: ByteWriter): void {
  writer.uint8(number, 'Proposal Num');
  writer.uint8(protocolId, 'Protocol ID');
  writer.uint8(spi.length, 'SPI Size');
  writer.uint8(transforms.length, 'Num Transforms');
  writer.bytes(spi);
  transforms.forEach((transform, index) =>
    encodeTransform(transform, index === transforms.length - 1, writer),
  );
}
