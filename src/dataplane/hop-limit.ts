// Gives a packet that goes out in clear the hop back that the kernel took on the way into the TUN: it takes another
// when it forwards the packet from the second TUN, and a router takes one (RFC 791 §3.2, RFC 8200 §3).

import { readUint16, writeUint16 } from '../wire/bytes.ts';
import { updateChecksum } from '../wire/checksum.ts';
import { IPV4_CHECKSUM, IPV4_TIME_TO_LIVE } from '../wire/ipv4.ts';
import { IPV6_HOP_LIMIT } from '../wire/ipv6.ts';

const MAX_HOP_LIMIT = 0xff;

/**
 * Raises TTL or hop limit by one.
 * Deviation: RFC 791 §3.2: 255 stays; what this host itself sends with 255 leaves with 254.
 */
export function raiseHopLimit(bytes: Uint8Array, packet: number, family: number): void {
  if (family === 6) {
    const at = packet + IPV6_HOP_LIMIT;
    if (bytes[at]! < MAX_HOP_LIMIT) bytes[at] = bytes[at]! + 1;
    return;
  }
  const at = packet + IPV4_TIME_TO_LIVE;
  if (bytes[at] === MAX_HOP_LIMIT) return;
  const before = readUint16(bytes, at);
  bytes[at] = bytes[at]! + 1;
  const checksum = readUint16(bytes, packet + IPV4_CHECKSUM);
  writeUint16(bytes, packet + IPV4_CHECKSUM, updateChecksum(checksum, before, readUint16(bytes, at)));
}
