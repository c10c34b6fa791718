// The learned path MTU on the routes into the TUN (RFC 4301 §8.2.2): with it the kernel itself fragments what is too
// big, or tells its sender, before a packet is read from the TUN.

import { compareAddresses, prefixRange, type AddressRange } from '../base/address.ts';
import { findEspTransform, largestInnerPacket } from '../crypto/esp-transform.ts';
import { entryOfPeer } from '../spd/peer-name.ts';
import type { Policy } from '../spd/policy.ts';
import type { HostRoute } from './route-plan.ts';
import { IPV6_MINIMUM_MTU } from './tun-mtu.ts';

/** Bytes of the largest ESP packet that the path to a peer carries, where it was learned. */
export type LearnedRooms = ReadonlyMap<string, number>;

/** The routes, with an MTU where they lead to a peer whose path is narrower than the TUN. */
export function limitRoutes(
  routes: readonly HostRoute[],
  policies: readonly Policy[],
  rooms: LearnedRooms,
): readonly HostRoute[] {
  if (rooms.size === 0) return routes;
  return routes.map((route) => {
    if (route.kind !== 'tun') return route;
    const { address, bits } = route.destination;
    const range = prefixRange(address, bits);
    const limits = policies.flatMap((policy) => (leadsTo(policy, range) ? limitOf(policy, rooms) : []));
    if (limits.length === 0) return route;
    const mtu = Math.min(...limits);
    // RFC 8200 §5: nobody may be told less; the gateway fragments outside what has 1280 bytes.
    return { ...route, mtu: address.family === 6 ? Math.max(mtu, IPV6_MINIMUM_MTU) : mtu };
  });
}

function limitOf({ sa }: Policy, rooms: LearnedRooms): readonly number[] {
  const transform = sa && findEspTransform(sa.transform);
  if (transform === undefined) return [];
  const ofEntry = [...rooms].filter(([peer]) => entryOfPeer(peer) === sa?.peer);
  return ofEntry.map(([, room]) => largestInnerPacket(transform, room));
}

function leadsTo({ action, selectors }: Policy, destination: AddressRange): boolean {
  if (action !== 'PROTECT') return false;
  const { remoteAddress } = selectors;
  return remoteAddress === undefined || remoteAddress.some((range) => overlap(range, destination));
}

function overlap(one: AddressRange, other: AddressRange): boolean {
  return (
    one.first.family === other.first.family &&
    compareAddresses(one.first, other.last) <= 0 &&
    compareAddresses(other.first, one.last) <= 0
  );
}
