// ICMP and ICMPv6 messages as far as a gateway makes or reads them: RFC 792, RFC 1191 §4, RFC 4443 §3.2.
//
//   |     Type      |     Code      |           Checksum            |  0
//   |     0 (IPv4)                  |   Next-Hop MTU (IPv4)         |  4
//   |                       MTU (IPv6)                              |  4

export const ICMP_HEADER_BYTES = 8;
export const ICMP_TYPE = 0;
export const ICMP_CODE = 1;
export const ICMP_CHECKSUM = 2;
export const ICMP_NEXT_HOP_MTU = 6;
export const ICMPV6_MTU = 4;

export const ICMP_DESTINATION_UNREACHABLE = 3;
export const ICMP_FRAGMENTATION_NEEDED = 4;
export const ICMPV6_PACKET_TOO_BIG = 2;
/** RFC 4443 §2.1: below are errors, from here on are informational messages. */
export const ICMPV6_FIRST_INFORMATIONAL = 128;

/** RFC 1122 §3.2.2: destination unreachable, source quench, redirect, time exceeded, parameter problem. */
export function isIcmpError(type: number): boolean {
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}
