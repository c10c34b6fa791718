// ECN through the tunnel, RFC 6040: the outer header takes the inner codepoint (§4.1, normal mode), and what the
// path did to it comes back to the inner header (§4.2).

import { ipv6TrafficClass, writeIpv6Ecn } from '../wire/ipv6.ts';
import { IPV4_TYPE_OF_SERVICE, writeIpv4Ecn } from '../wire/ipv4.ts';

const ECN_MASK = 3;
const NOT_ECT = 0;
const ECT_1 = 1;
const ECT_0 = 2;
const CE = 3;

/** DSCP and ECN of a packet; the outer header takes both over (RFC 4301 §5.1.2.1, RFC 6040 §4.1). */
export function readTrafficClass(bytes: Uint8Array, packet: number): number {
  return bytes[packet]! >>> 4 === 4 ? bytes[packet + IPV4_TYPE_OF_SERVICE]! : ipv6TrafficClass(bytes, packet);
}

/**
 * Carries the outer ECN field to the inner header, RFC 6040 §4.2, figure 4.
 * @returns false where the packet must be dropped: congestion for a flow that cannot be told
 */
export function decapsulateEcn(bytes: Uint8Array, packet: number, outerTrafficClass: number): boolean {
  const outer = outerTrafficClass & ECN_MASK;
  if (outer === NOT_ECT || outer === ECT_0) return true;
  const inner = readTrafficClass(bytes, packet) & ECN_MASK;
  if (inner === NOT_ECT) return outer !== CE;
  if (outer === inner || inner === CE) return true;
  // Left: outer CE with inner ECT, and outer ECT(1) with inner ECT(0); the outer value wins in both.
  const ecn = outer === CE ? CE : ECT_1;
  if (bytes[packet]! >>> 4 === 4) writeIpv4Ecn(bytes, packet, ecn);
  else writeIpv6Ecn(bytes, packet, ecn);
  return true;
}
