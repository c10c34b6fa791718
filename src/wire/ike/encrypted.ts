// Messages under an Encrypted payload, RFC 7296 §3.14, whole or in fragments (RFC 7383). The cipher is handed in: it
// owns IV, padding and ICV. Fragments are collected by whoever keeps state.

import { ByteWriter } from '../../base/byte-writer.ts';
import { InvariantError } from '../../base/errors.ts';
import { PayloadType } from './iana.ts';
import { encodeIkeHeader, IKE_HEADER_BYTES, type UnsentIkeHeader } from './ike-header.ts';
import { decodePayloads, encodePayloads, type IkeMessage } from './message.ts';
import { PAYLOAD_HEADER_BYTES } from './payload-chain.ts';
import type { Payload } from './payload.ts';

const FRAGMENT_FIELDS_BYTES = 4;

/** `header` is everything in front of the IV: what RFC 5282 §5.1 authenticates with the payloads. */
export interface BodyCipher {
  /** The whole length of the body of SK for so many bytes inside: IV, payloads, padding, Pad Length and ICV. */
  overheadFor(innerBytes: number): number;
  /** @returns a body of exactly `overheadFor(inner.length)` bytes */
  encrypt(header: Uint8Array, inner: Uint8Array): Uint8Array;
  /** @returns the payloads without padding; undefined where they are not authentic */
  decrypt(header: Uint8Array, body: Uint8Array): Uint8Array | undefined;
}

/**
 * One message, or several fragments of it where it would be longer than `limitBytes`.
 *
 * @param payloads all go inside
 * @param limitBytes of an IKE message, without IP and UDP headers and non-ESP marker; none without fragmentation
 */
export function encodeEncrypted(
  header: UnsentIkeHeader,
  payloads: readonly Payload[],
  cipher: BodyCipher,
  limitBytes: number = Number.POSITIVE_INFINITY,
): readonly Uint8Array[] {
  const { firstPayload, bytes } = encodePayloads(payloads);
  const whole = IKE_HEADER_BYTES + PAYLOAD_HEADER_BYTES + cipher.overheadFor(bytes.length);
  if (whole <= limitBytes) return [seal(header, firstPayload, bytes, undefined, cipher)];
  const pieceBytes = largestPiece(cipher, limitBytes);
  const total = Math.ceil(bytes.length / pieceBytes);
  return Array.from({ length: total }, (_, index) => {
    const piece = bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes);
    // RFC 7383 §2.5: only the first fragment names the first payload.
    const nextPayload = index === 0 ? firstPayload : PayloadType.NONE;
    return seal(header, nextPayload, piece, { number: index + 1, total }, cipher);
  });
}

/** How many bytes of payloads fit into a fragment (RFC 7383 §2.5.1). */
function largestPiece(cipher: BodyCipher, limitBytes: number): number {
  const bodyBytes = limitBytes - IKE_HEADER_BYTES - PAYLOAD_HEADER_BYTES - FRAGMENT_FIELDS_BYTES;
  let piece = bodyBytes;
  while (piece > 0 && cipher.overheadFor(piece) > bodyBytes) piece -= cipher.overheadFor(piece) - bodyBytes;
  if (piece <= 0) throw new InvariantError(`nothing fits into a fragment of ${limitBytes} bytes`);
  return piece;
}

function seal(
  header: UnsentIkeHeader,
  firstPayload: number,
  inner: Uint8Array,
  fragment: { readonly number: number; readonly total: number } | undefined,
  cipher: BodyCipher,
): Uint8Array {
  const bodyBytes = cipher.overheadFor(inner.length);
  const payloadBytes = PAYLOAD_HEADER_BYTES + (fragment ? FRAGMENT_FIELDS_BYTES : 0) + bodyBytes;
  const nextPayload = fragment ? PayloadType.SKF : PayloadType.SK;
  const writer = new ByteWriter();
  encodeIkeHeader({ ...header, nextPayload, length: IKE_HEADER_BYTES + payloadBytes }, writer);
  writer.uint8(firstPayload, 'Next Payload');
  writer.zeros(1);
  writer.uint16(payloadBytes, 'Payload Length');
  if (fragment !== undefined) {
    writer.uint16(fragment.number, 'Fragment Number');
    writer.uint16(fragment.total, 'Total Fragments');
  }
  const body = cipher.encrypt(writer.finish(), inner);
  if (body.length !== bodyBytes) {
    throw new InvariantError(`the cipher announced ${bodyBytes} bytes and made ${body.length}`);
  }
  writer.bytes(body);
  return writer.finish();
}

/** A message that was authentic. */
export interface DecryptedMessage {
  /** In front of SK: authentic too, but anybody could read them. Usually none. */
  readonly clear: readonly Payload[];
  /** From inside SK. */
  readonly encrypted: readonly Payload[];
}

/**
 * Opens the SK payload of a message. Throws MalformedMessageError only for what was inside: authentic and malformed,
 * so the peer is told INVALID_SYNTAX (RFC 7296 §2.21.2).
 *
 * @param bytes the datagram that `message` was decoded from
 * @returns undefined where the message is not authentic, or has no SK
 */
export function decryptMessage(
  bytes: Uint8Array,
  message: IkeMessage,
  cipher: BodyCipher,
): DecryptedMessage | undefined {
  const sk = message.payloads.at(-1);
  if (sk?.type !== 'SK') return undefined;
  const inner = cipher.decrypt(bytes.subarray(0, bytes.length - sk.body.length), sk.body);
  if (inner === undefined) return undefined;
  return { clear: message.payloads.slice(0, -1), encrypted: decodePayloads(sk.firstPayload, inner) };
}

/** A part of a message, RFC 7383 §2.6: all together in order are what `decodePayloads` reads. */
export interface DecryptedFragment {
  readonly firstPayload: number;
  readonly fragmentNumber: number;
  readonly totalFragments: number;
  /** Payloads in front of SKF; only the first fragment may have some (RFC 7383 §2.5.3). */
  readonly clear: readonly Payload[];
  readonly inner: Uint8Array;
}

/**
 * Opens the SKF payload of a message.
 *
 * @param bytes the datagram that `message` was decoded from
 * @returns undefined where the message is not authentic, or has no SKF
 */
export function decryptFragment(
  bytes: Uint8Array,
  message: IkeMessage,
  cipher: BodyCipher,
): DecryptedFragment | undefined {
  const skf = message.payloads.at(-1);
  if (skf?.type !== 'SKF') return undefined;
  const inner = cipher.decrypt(bytes.subarray(0, bytes.length - skf.body.length), skf.body);
  if (inner === undefined) return undefined;
  const { firstPayload, fragmentNumber, totalFragments } = skf;
  return { firstPayload, fragmentNumber, totalFragments, clear: message.payloads.slice(0, -1), inner };
}
