// Hub and spoke: what comes out of one tunnel and goes on into another. These destinations, and no others, lead a
// packet that was just decrypted back into the TUN; the rest goes by the main table, so that nothing runs in a circle.

import type { AddressFamily, AddressRange } from '../base/address.ts';
import type { Policy } from '../spd/policy.ts';
import { intersectRanges, mergeRanges, rangesOfFamily } from './address-ranges.ts';
import type { Prefix } from './prefix-cover.ts';
import { RouteList, TRANSIT_TABLE, type HostRoute } from './route-plan.ts';

/** What the PROTECT policies of one peer let in and out, all of one family. */
interface Spoke {
  readonly peer: string;
  readonly local: readonly AddressRange[];
  readonly remote: readonly AddressRange[];
}

/** @param inside networks of the protected side that this host is connected to; they are never transit */
export function planTransit(
  policies: readonly Policy[],
  families: readonly AddressFamily[],
  inside: readonly Prefix[],
): readonly HostRoute[] {
  const routes = new RouteList(TRANSIT_TABLE);
  for (const family of families) {
    const spokes = spokesOf(policies, family);
    for (const { peer, local, remote } of spokes)
      for (const other of spokes) {
        if (other.peer === peer || intersectRanges(other.remote, local).length === 0) continue;
        routes.addRanges(intersectRanges(remote, other.local), 'tun', undefined);
      }
  }
  routes.spare(inside);
  return routes.list;
}

function spokesOf(policies: readonly Policy[], family: AddressFamily): readonly Spoke[] {
  const ofPeer = new Map<string, Policy[]>();
  for (const policy of policies)
    if (policy.sa !== undefined) ofPeer.set(policy.sa.peer, [...(ofPeer.get(policy.sa.peer) ?? []), policy]);
  return [...ofPeer].map(([peer, own]) => ({
    peer,
    local: mergeRanges(own.flatMap(({ selectors }) => rangesOfFamily(selectors.localAddress, family))),
    remote: mergeRanges(own.flatMap(({ selectors }) => rangesOfFamily(selectors.remoteAddress, family))),
  }));
}
