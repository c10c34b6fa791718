// Clamps the TCP maximum segment size so that full segments fit into the tunnel without fragments: RFC 9293 §3.7.1
// defines the option; the first connection would otherwise lose whole super-packets to path MTU discovery.

import { readUint16, writeUint16 } from '../wire/bytes.ts';
import { updateChecksum } from '../wire/checksum.ts';
import { IPV4_HEADER_BYTES } from '../wire/ipv4.ts';
import { IPV6_HEADER_BYTES } from '../wire/ipv6.ts';
import {
  tcpHeaderLength,
  TCP_CHECKSUM,
  TCP_FLAGS,
  TCP_HEADER_BYTES,
  TCP_OPTION_END,
  TCP_OPTION_MAXIMUM_SEGMENT_SIZE,
  TCP_OPTION_NO_OPERATION,
  TCP_SYN,
} from '../wire/tcp.ts';

const MSS_OPTION_BYTES = 4;

/** @param tcp offset of a TCP header @param end offset behind the packet */
export function isTcpSyn(bytes: Uint8Array, tcp: number, end: number): boolean {
  return tcp + TCP_HEADER_BYTES <= end && (bytes[tcp + TCP_FLAGS]! & TCP_SYN) !== 0;
}

/**
 * Lowers the MSS option of a SYN or SYN-ACK to what the tunnel carries; leaves every other segment alone.
 * @param tcp offset of the TCP header
 * @param end offset behind the packet
 * @param innerMtu largest packet the tunnel carries, in bytes
 * @param partialChecksum the checksum field holds the pseudo-header sum only and does not cover the option
 */
export function clampMss(
  bytes: Uint8Array,
  tcp: number,
  end: number,
  family: number,
  innerMtu: number,
  partialChecksum: boolean,
): void {
  if (!isTcpSyn(bytes, tcp, end)) return;
  const optionsEnd = Math.min(tcp + tcpHeaderLength(bytes, tcp), end);
  const networkHeader = family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const limit = innerMtu - networkHeader - TCP_HEADER_BYTES;
  let at = tcp + TCP_HEADER_BYTES;
  while (at < optionsEnd) {
    const kind = bytes[at]!;
    if (kind === TCP_OPTION_END) return;
    if (kind === TCP_OPTION_NO_OPERATION) {
      at++;
      continue;
    }
    const length = at + 1 < optionsEnd ? bytes[at + 1]! : 0;
    if (length < 2 || at + length > optionsEnd) return;
    if (kind === TCP_OPTION_MAXIMUM_SEGMENT_SIZE && length === MSS_OPTION_BYTES) {
      if (readUint16(bytes, at + 2) > limit) writeMss(bytes, tcp, at + 2, limit, partialChecksum);
      return;
    }
    at += length;
  }
}

function writeMss(bytes: Uint8Array, tcp: number, at: number, mss: number, partialChecksum: boolean): void {
  const oldMss = readUint16(bytes, at);
  writeUint16(bytes, at, mss);
  if (partialChecksum) return;
  const odd = ((at - tcp) & 1) !== 0;
  const checksum = readUint16(bytes, tcp + TCP_CHECKSUM);
  // RFC 1071 §2 (B): bytes at an odd offset count swapped.
  const updated = updateChecksum(checksum, odd ? swap(oldMss) : oldMss, odd ? swap(mss) : mss);
  writeUint16(bytes, tcp + TCP_CHECKSUM, updated);
}

function swap(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8);
}
