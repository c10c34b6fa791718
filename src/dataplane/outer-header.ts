// What the outer header takes from the inner one: traffic class (RFC 4301 §5.1.2.1, §5.1.2.2, RFC 2983, RFC 6040 §4.1) and DF
// (RFC 4301 §8.1). Everything else of it is constructed by the kernel; inner options are never copied (§5.1.2).

import type { TunnelOptions } from '../spd/tunnel-options.ts';
import { ipv4DontFragment } from '../wire/ipv4.ts';
import { readTrafficClass } from './ecn.ts';

const ECN_MASK = 3;
const DSCP_SHIFT = 2;

/** DSCP as the SA says, ECN always as the inner packet has it (RFC 6040 §4.1, normal mode). */
export function outerTrafficClass(bytes: Uint8Array, packet: number, options: TunnelOptions): number {
  const inner = readTrafficClass(bytes, packet);
  return options.dscp === 'copy' ? inner : (options.dscp << DSCP_SHIFT) | (inner & ECN_MASK);
}

/** @returns true where the outer packet must not be fragmented */
export function outerDontFragment(bytes: Uint8Array, packet: number, options: TunnelOptions): boolean {
  switch (options.df) {
    case 'set':
      return true;
    case 'clear':
      return false;
    case 'copy':
      // Routers fragment no IPv6 packet, so one counts as having the bit set.
      return bytes[packet]! >>> 4 === 6 || ipv4DontFragment(bytes, packet);
  }
}
