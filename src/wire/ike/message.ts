// A whole IKE message, RFC 7296 §3.1 and §3.2: header and payloads. SK and SKF stay closed; encrypted.ts opens them.
// Which payloads a message must have is in message-rules.ts.

import { ByteReader } from '../../base/byte-reader.ts';
import { ByteWriter } from '../../base/byte-writer.ts';
import {
  decodeIkeHeader,
  encodeIkeHeader,
  IKE_HEADER_BYTES,
  IKE_MAJOR_VERSION,
  type IkeHeader,
  type UnsentIkeHeader,
} from './ike-header.ts';
import { decodeChain, encodeChain, typeOf } from './payload-chain.ts';
import type { Payload } from './payload.ts';

export interface IkeMessage {
  readonly header: IkeHeader;
  readonly payloads: readonly Payload[];
}

/** Reads a whole datagram without non-ESP marker. Throws MalformedMessageError. */
export function decodeMessage(bytes: Uint8Array): IkeMessage {
  const header = decodeIkeHeader(bytes);
  const reader = new ByteReader(bytes, 'IKE message');
  if (header.majorVersion !== IKE_MAJOR_VERSION) {
    throw reader.malformed(`major version ${header.majorVersion} has other payloads`);
  }
  // RFC 7296 §3.1: Length counts the whole message, so nothing unread can hide behind it.
  if (header.length !== bytes.length) {
    throw reader.malformed(`Length is ${header.length} in a datagram of ${bytes.length} bytes`);
  }
  reader.skip(IKE_HEADER_BYTES, 'header');
  return { header, payloads: decodeChain(header.nextPayload, reader) };
}

/**
 * Reads what was inside SK, or inside all SKF together. Throws MalformedMessageError.
 *
 * @param firstPayload the Next Payload field of SK, or of the first SKF
 */
export function decodePayloads(firstPayload: number, bytes: Uint8Array): readonly Payload[] {
  const reader = new ByteReader(bytes, 'decrypted payloads');
  const payloads = decodeChain(firstPayload, reader);
  // RFC 7296 §3.14: there is one Encrypted payload, and nothing is encrypted twice.
  if (payloads.some(({ type }) => type === 'SK' || type === 'SKF')) {
    throw reader.malformed('an Encrypted payload inside of another');
  }
  return payloads;
}

export interface EncodedPayloads {
  readonly firstPayload: number;
  readonly bytes: Uint8Array;
}

export function encodePayloads(payloads: readonly Payload[]): EncodedPayloads {
  const writer = new ByteWriter();
  encodeChain(payloads, writer);
  return { firstPayload: typeOf(payloads[0]), bytes: writer.finish() };
}

/** A message in clear: IKE_SA_INIT, or a notify without an IKE SA (RFC 7296 §1.5). */
export function encodeMessage(header: UnsentIkeHeader, payloads: readonly Payload[]): Uint8Array {
  const { firstPayload, bytes } = encodePayloads(payloads);
  const writer = new ByteWriter();
  encodeIkeHeader({ ...header, nextPayload: firstPayload, length: IKE_HEADER_BYTES + bytes.length }, writer);
  writer.bytes(bytes);
  return writer.finish();
}
