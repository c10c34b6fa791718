// Tells the sender of an inner packet that it is too big for the tunnel: ICMP "fragmentation needed" (RFC 1191 §4)
// or ICMPv6 "packet too big" (RFC 4443 §3.2), as RFC 4301 §8.2.1 asks. Written into given memory, at a bounded rate.
//
// The source is the address that the packet was for. One of the gateway's own would be proper (RFC 1812 §4.3.2.4),
// but the kernel takes no packet from a TUN that bears an address of its own host as its source.

import { readUint16, writeInt32, writeUint16 } from '../wire/bytes.ts';
import { addToSum, foldSum } from '../wire/checksum.ts';
import {
  ICMP_CHECKSUM,
  ICMP_CODE,
  ICMP_DESTINATION_UNREACHABLE,
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_HEADER_BYTES,
  ICMP_NEXT_HOP_MTU,
  ICMP_TYPE,
  ICMPV6_FIRST_INFORMATIONAL,
  ICMPV6_MTU,
  ICMPV6_PACKET_TOO_BIG,
  isIcmpError,
} from '../wire/icmp.ts';
import {
  IPV4_DESTINATION,
  ipv4FragmentOffset,
  IPV4_HEADER_BYTES,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TIME_TO_LIVE,
  IPV4_TOTAL_LENGTH,
  ipv4HeaderLength,
  writeIpv4Checksum,
} from '../wire/ipv4.ts';
import {
  IPV6_DESTINATION,
  findIpv6NextLayer,
  IPV6_HEADER_BYTES,
  IPV6_HOP_LIMIT,
  IPV6_LATER_FRAGMENT,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
  IPV6_SOURCE,
} from '../wire/ipv6.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../wire/protocol-numbers.ts';

/** RFC 1812 §4.3.2.3: as much of the packet as fits into so many bytes. */
const IPV4_LONGEST_BYTES = 576;
/** RFC 4443 §3.2: as much as fits into the smallest IPv6 MTU. */
const IPV6_LONGEST_BYTES = 1280;
const HOP_LIMIT = 64;
/** RFC 1812 §4.3.2.5: errors have precedence "internetwork control". */
const INTERNETWORK_CONTROL = 0xc0;

/**
 * Writes the message about the packet at `packet` to `to`, for which 1280 bytes are there.
 * @param mtu largest inner packet in bytes
 * @returns its length in bytes; 0 where no message may be sent about such a packet
 */
export function writeTooBigMessage(
  bytes: Uint8Array,
  packet: number,
  length: number,
  mtu: number,
  to: number,
): number {
  return bytes[packet]! >>> 4 === 4
    ? writeFragmentationNeeded(bytes, packet, length, mtu, to)
    : writePacketTooBig(bytes, packet, length, mtu, to);
}

function writeFragmentationNeeded(
  bytes: Uint8Array,
  packet: number,
  length: number,
  mtu: number,
  to: number,
): number {
  if (!deservesIcmp(bytes, packet, length)) return 0;
  const quoted = Math.min(length, IPV4_LONGEST_BYTES - IPV4_HEADER_BYTES - ICMP_HEADER_BYTES);
  const total = IPV4_HEADER_BYTES + ICMP_HEADER_BYTES + quoted;
  bytes.fill(0, to, to + IPV4_HEADER_BYTES + ICMP_HEADER_BYTES);
  bytes[to] = 0x45;
  bytes[to + 1] = INTERNETWORK_CONTROL;
  writeUint16(bytes, to + IPV4_TOTAL_LENGTH, total);
  bytes[to + IPV4_TIME_TO_LIVE] = HOP_LIMIT;
  bytes[to + IPV4_PROTOCOL] = PROTOCOL_ICMP;
  bytes.copyWithin(to + IPV4_SOURCE, packet + IPV4_DESTINATION, packet + IPV4_DESTINATION + 4);
  bytes.copyWithin(to + IPV4_DESTINATION, packet + IPV4_SOURCE, packet + IPV4_SOURCE + 4);
  writeIpv4Checksum(bytes, to);

  const icmp = to + IPV4_HEADER_BYTES;
  bytes[icmp + ICMP_TYPE] = ICMP_DESTINATION_UNREACHABLE;
  bytes[icmp + ICMP_CODE] = ICMP_FRAGMENTATION_NEEDED;
  writeUint16(bytes, icmp + ICMP_NEXT_HOP_MTU, mtu);
  bytes.copyWithin(icmp + ICMP_HEADER_BYTES, packet, packet + quoted);
  const sum = foldSum(addToSum(0, bytes, icmp, ICMP_HEADER_BYTES + quoted));
  writeUint16(bytes, icmp + ICMP_CHECKSUM, ~sum & 0xffff);
  return total;
}

function writePacketTooBig(
  bytes: Uint8Array,
  packet: number,
  length: number,
  mtu: number,
  to: number,
): number {
  if (!deservesIcmpv6(bytes, packet, length)) return 0;
  const quoted = Math.min(length, IPV6_LONGEST_BYTES - IPV6_HEADER_BYTES - ICMP_HEADER_BYTES);
  const icmpLength = ICMP_HEADER_BYTES + quoted;
  bytes.fill(0, to, to + IPV6_HEADER_BYTES + ICMP_HEADER_BYTES);
  bytes[to] = 0x60;
  writeUint16(bytes, to + IPV6_PAYLOAD_LENGTH, icmpLength);
  bytes[to + IPV6_NEXT_HEADER] = PROTOCOL_ICMPV6;
  bytes[to + IPV6_HOP_LIMIT] = HOP_LIMIT;
  bytes.copyWithin(to + IPV6_SOURCE, packet + IPV6_DESTINATION, packet + IPV6_DESTINATION + 16);
  bytes.copyWithin(to + IPV6_DESTINATION, packet + IPV6_SOURCE, packet + IPV6_SOURCE + 16);

  const icmp = to + IPV6_HEADER_BYTES;
  bytes[icmp + ICMP_TYPE] = ICMPV6_PACKET_TOO_BIG;
  writeInt32(bytes, icmp + ICMPV6_MTU, mtu);
  bytes.copyWithin(icmp + ICMP_HEADER_BYTES, packet, packet + quoted);
  // RFC 4443 §2.3: the sum covers addresses, length and next header too.
  const pseudoHeader = addToSum(icmpLength + PROTOCOL_ICMPV6, bytes, to + IPV6_SOURCE, 32);
  const sum = foldSum(addToSum(pseudoHeader, bytes, icmp, icmpLength));
  writeUint16(bytes, icmp + ICMP_CHECKSUM, ~sum & 0xffff);
  return IPV6_HEADER_BYTES + icmpLength;
}

/** RFC 1812 §4.3.2.7: never about an ICMP error, a later fragment, or to or from an address of no single host. */
function deservesIcmp(bytes: Uint8Array, packet: number, length: number): boolean {
  if (ipv4FragmentOffset(bytes, packet) !== 0) return false;
  const source = bytes[packet + IPV4_SOURCE]!;
  if (source === 0 || source === 127 || source >= 0xe0) return false;
  if (bytes[packet + IPV4_DESTINATION]! >= 0xe0) return false;
  if (bytes[packet + IPV4_PROTOCOL] !== PROTOCOL_ICMP) return true;
  const type = packet + ipv4HeaderLength(bytes, packet);
  return type < packet + length && !isIcmpError(bytes[type]!);
}

/** RFC 4443 §2.4 (e). */
function deservesIcmpv6(bytes: Uint8Array, packet: number, length: number): boolean {
  const source = packet + IPV6_SOURCE;
  if (bytes[source] === 0xff || bytes[packet + IPV6_DESTINATION] === 0xff) return false;
  // The unspecified address, and all else below ::/16, belongs to no single host.
  if (readUint16(bytes, source) === 0) return false;
  const next = findIpv6NextLayer(bytes, packet, length);
  if (next < 0 || (next & IPV6_LATER_FRAGMENT) !== 0) return false;
  if ((next & 0xff) !== PROTOCOL_ICMPV6) return true;
  const type = packet + ((next >>> 8) & 0xffff);
  return type < packet + length && bytes[type]! >= ICMPV6_FIRST_INFORMATIONAL;
}
