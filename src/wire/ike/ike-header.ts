// The IKE header, RFC 7296 §3.1. SPIs, versions, exchange type, flags, Message ID and length stand where every major
// version has them, so a message of another version can be answered or named (RFC 7296 §2.5).
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                       IKE SA Initiator's SPI                  |
// |                                                               |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                       IKE SA Responder's SPI                  |
// |                                                               |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |  Next Payload | MjVer | MnVer | Exchange Type |     Flags     |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                          Message ID                           |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                            Length                             |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import { IKE_SPI_BYTES, ikeSpiBytes, toIkeSpi, type IkeSpi } from './ike-spi.ts';

export const IKE_HEADER_BYTES = 28;
// For whoever looks before a message is decoded.
export const IKE_INITIATOR_SPI = 0;
export const IKE_RESPONDER_SPI = 8;
export const IKE_NEXT_PAYLOAD = 16;
export const IKE_EXCHANGE_TYPE = 18;
export const IKE_FLAGS = 19;
export const IKE_LENGTH = 24;
/** RFC 7296 §3.1: the version of IKEv2. */
export const IKE_MAJOR_VERSION = 2;
export const IKE_MINOR_VERSION = 0;

// RFC 7296 §3.1: the bits of Flags; the others are sent as zero and ignored.
export const IKE_FLAG_INITIATOR = 0x08;
const FLAG_VERSION = 0x10;
const FLAG_RESPONSE = 0x20;

export interface IkeHeader {
  readonly initiatorSpi: IkeSpi;
  readonly responderSpi: IkeSpi;
  readonly nextPayload: number;
  readonly majorVersion: number;
  readonly minorVersion: number;
  readonly exchangeType: number;
  /** Sent by the original initiator of the IKE SA, whoever began this exchange. */
  readonly isFromInitiator: boolean;
  /** The sender could speak a higher major version. */
  readonly hasHigherVersion: boolean;
  readonly isResponse: boolean;
  readonly messageId: number;
  /** Of the whole message, header included. */
  readonly length: number;
}

/** What a sender decides; the rest follows from the payloads. */
export type UnsentIkeHeader = Omit<IkeHeader, 'nextPayload' | 'length'>;

/**
 * Reads the header at the beginning of a datagram without non-ESP marker, whatever its major version.
 * Throws MalformedMessageError where the datagram is shorter than a header; nothing else is checked.
 */
export function decodeIkeHeader(bytes: Uint8Array): IkeHeader {
  const reader = new ByteReader(bytes, 'IKE header');
  const initiatorSpi = toIkeSpi(reader.bytes(IKE_SPI_BYTES, "Initiator's SPI"));
  const responderSpi = toIkeSpi(reader.bytes(IKE_SPI_BYTES, "Responder's SPI"));
  const nextPayload = reader.uint8('Next Payload');
  const version = reader.uint8('Version');
  const exchangeType = reader.uint8('Exchange Type');
  const flags = reader.uint8('Flags');
  return {
    initiatorSpi,
    responderSpi,
    nextPayload,
    majorVersion: version >> 4,
    minorVersion: version & 0x0f,
    exchangeType,
    isFromInitiator: (flags & IKE_FLAG_INITIATOR) !== 0,
    hasHigherVersion: (flags & FLAG_VERSION) !== 0,
    isResponse: (flags & FLAG_RESPONSE) !== 0,
    messageId: reader.uint32('Message ID'),
    length: reader.uint32('Length'),
  };
}

export function encodeIkeHeader(header: IkeHeader, writer: ByteWriter): void {
  writer.bytes(ikeSpiBytes(header.initiatorSpi));
  writer.bytes(ikeSpiBytes(header.responderSpi));
  writer.uint8(header.nextPayload, 'Next Payload');
  writer.uint8((header.majorVersion << 4) | header.minorVersion, 'Version');
  writer.uint8(header.exchangeType, 'Exchange Type');
  const flags =
    (header.isFromInitiator ? IKE_FLAG_INITIATOR : 0) |
    (header.hasHigherVersion ? FLAG_VERSION : 0) |
    (header.isResponse ? FLAG_RESPONSE : 0);
  writer.uint8(flags, 'Flags');
  writer.uint32(header.messageId, 'Message ID');
  writer.uint32(header.length, 'Length');
}
