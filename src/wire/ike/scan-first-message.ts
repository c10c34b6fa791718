// What a cookie is asked for with, found by payload headers alone: under a flood of first messages nothing more of them is
// looked at (RFC 7296 §2.6, §3.2). Whether the rest is well formed is seen when a cookie has come back.

import { readUint16 } from '../bytes.ts';
import { NotifyType, PayloadType } from './iana.ts';
import { IKE_HEADER_BYTES, IKE_NEXT_PAYLOAD } from './ike-header.ts';
import { isNonceLength } from './nonce.ts';
import { PAYLOAD_HEADER_BYTES } from './payload-chain.ts';

/** RFC 7296 §3.10: protocol, SPI size and type, behind the generic header. */
const NOTIFY_FIELD_BYTES = 4;
/** An ordinary first message has ten. */
const MOST_PAYLOADS = 32;

export interface FirstMessageScan {
  /** A part of the message, not a copy. */
  readonly nonce: Uint8Array;
  /** The data of a COOKIE notify that stands first, or undefined. */
  readonly cookie: Uint8Array | undefined;
}

/** @param bytes of IKE_SA_INIT, at least a header @returns undefined where it is no chain of payloads with a nonce */
export function scanFirstMessage(bytes: Uint8Array): FirstMessageScan | undefined {
  let type = bytes[IKE_NEXT_PAYLOAD] ?? PayloadType.NONE;
  let at = IKE_HEADER_BYTES;
  let cookie: Uint8Array | undefined;
  for (let count = 0; count < MOST_PAYLOADS && type !== PayloadType.NONE; count++) {
    if (at + PAYLOAD_HEADER_BYTES > bytes.length) return undefined;
    const length = readUint16(bytes, at + 2);
    if (length < PAYLOAD_HEADER_BYTES || at + length > bytes.length) return undefined;
    const body = bytes.subarray(at + PAYLOAD_HEADER_BYTES, at + length);
    if (count === 0 && type === PayloadType.N) cookie = cookieOf(body);
    if (type === PayloadType.NONCE) return isNonceLength(body.length) ? { nonce: body, cookie } : undefined;
    type = bytes[at] ?? PayloadType.NONE;
    at += length;
  }
  return undefined;
}

function cookieOf(notify: Uint8Array): Uint8Array | undefined {
  if (notify.length < NOTIFY_FIELD_BYTES || readUint16(notify, 2) !== NotifyType.COOKIE) return undefined;
  return notify.subarray(NOTIFY_FIELD_BYTES + notify[1]!);
}
