// Every peer, in the order of the report.

import { isthmus } from './isthmus.ts';
import { openvpn } from './openvpn.ts';
import type { Peer } from './peer.ts';
import { plain } from './plain.ts';
import { strongswanAesni } from './strongswan.ts';
import { wireguardGoBackports, wireguardGoDebian12 } from './wireguard-go.ts';

/** @param nodePath the Node that runs Isthmus */
export function allPeers(nodePath: string): readonly Peer[] {
  return [
    plain,
    isthmus('native', nodePath),
    isthmus('portable', nodePath),
    wireguardGoBackports,
    wireguardGoDebian12,
    strongswanAesni,
    openvpn,
  ];
}
