// Every peer, in the order of the report.

import { isthmus } from './isthmus.ts';
import { openvpn } from './openvpn.ts';
import type { Peer } from './peer.ts';
import { plain } from './plain.ts';
import { strongswanAesni } from './strongswan.ts';
import { wireguardGoBackports, wireguardGoDebian12 } from './wireguard-go.ts';

/** @param nodePath the Node that runs Isthmus @param workers how many it has: with the native engine once for each number */
export function allPeers(nodePath: string, workers: readonly number[]): readonly Peer[] {
  return [
    plain,
    ...workers.map((count) => isthmus('native', nodePath, count)),
    isthmus('portable', nodePath),
    wireguardGoBackports,
    wireguardGoDebian12,
    strongswanAesni,
    openvpn,
  ];
}
