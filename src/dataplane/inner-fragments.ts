// Cuts an inner IPv4 packet into fragments before they are encapsulated, RFC 791 §3.2: where its sender allows it,
// fragments inside spare the peer's gateway from putting fragments of ESP packets together (RFC 4301 §7, Appendix D).

import { readUint16, writeUint16 } from '../wire/bytes.ts';
import {
  IPV4_FLAGS_AND_OFFSET,
  IPV4_HEADER_BYTES,
  ipv4HeaderLength,
  IPV4_MORE_FRAGMENTS,
  IPV4_OFFSET_MASK,
  IPV4_TOTAL_LENGTH,
  writeIpv4Checksum,
} from '../wire/ipv4.ts';

const OPTION_END = 0;
const OPTION_NO_OPERATION = 1;
/** RFC 791 §3.1: options with this bit stand in every fragment, the others in the first only. */
const OPTION_COPIED = 0x80;

/** Bytes of payload in every fragment but the last: a multiple of 8. */
export function fragmentPayload(bytes: Uint8Array, packet: number, mtu: number): number {
  return (mtu - ipv4HeaderLength(bytes, packet)) & ~7;
}

/**
 * Writes one fragment of the packet at `packet` to `to`.
 * @param start of its payload within that of the packet; a multiple of `payload`
 * @param payload see {@link fragmentPayload}
 * @returns its length in bytes
 */
export function writeFragment(
  bytes: Uint8Array,
  packet: number,
  start: number,
  payload: number,
  to: number,
): number {
  const headerLength = ipv4HeaderLength(bytes, packet);
  const whole = readUint16(bytes, packet + IPV4_TOTAL_LENGTH) - headerLength;
  const length = Math.min(payload, whole - start);
  const ownHeader =
    start === 0 ? copyHeader(bytes, packet, headerLength, to) : copyLaterHeader(bytes, packet, to);
  const from = packet + headerLength + start;
  bytes.copyWithin(to + ownHeader, from, from + length);

  // What is cut may be a fragment itself: its offset goes on, and so does its "more fragments".
  const word = readUint16(bytes, packet + IPV4_FLAGS_AND_OFFSET);
  const isLast = start + length === whole;
  const more = isLast ? word & IPV4_MORE_FRAGMENTS : IPV4_MORE_FRAGMENTS;
  const offset = ((word & IPV4_OFFSET_MASK) + (start >>> 3)) & IPV4_OFFSET_MASK;
  writeUint16(bytes, to + IPV4_FLAGS_AND_OFFSET, more | offset);
  writeUint16(bytes, to + IPV4_TOTAL_LENGTH, ownHeader + length);
  writeIpv4Checksum(bytes, to);
  return ownHeader + length;
}

function copyHeader(bytes: Uint8Array, packet: number, headerLength: number, to: number): number {
  bytes.copyWithin(to, packet, packet + headerLength);
  return headerLength;
}

/** @returns the length of the header, with the options that every fragment carries */
function copyLaterHeader(bytes: Uint8Array, packet: number, to: number): number {
  copyHeader(bytes, packet, IPV4_HEADER_BYTES, to);
  const end = packet + ipv4HeaderLength(bytes, packet);
  let at = packet + IPV4_HEADER_BYTES;
  let length = IPV4_HEADER_BYTES;
  while (at < end && bytes[at] !== OPTION_END) {
    const option = bytes[at]!;
    const size = option === OPTION_NO_OPERATION ? 1 : Math.max(2, at + 1 < end ? bytes[at + 1]! : 2);
    if ((option & OPTION_COPIED) !== 0 && at + size <= end) {
      bytes.copyWithin(to + length, at, at + size);
      length += size;
    }
    at += size;
  }
  const padded = (length + 3) & ~3;
  bytes.fill(OPTION_END, to + length, to + padded);
  bytes[to] = 0x40 | (padded >>> 2);
  return padded;
}
