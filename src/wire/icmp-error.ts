// Which ICMP messages report an error and carry the packet that met it: RFC 792, RFC 1122 §3.2.2, RFC 4443 §2.1.
//
//   |     Type      |     Code      |           Checksum            |  0
//   |               depends on type and code                        |  4
//   |      Internet header and the first bytes of the packet        |  8

export const ICMP_ENCLOSED_PACKET = 8;

/** @param family 4 or 6 */
export function isIcmpErrorType(family: number, type: number): boolean {
  if (family === 6) return type >= 1 && type <= 4;
  // Destination unreachable, source quench, redirect, time exceeded, parameter problem.
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}
