// What on this host will keep the tunnel from working, as sentences with the command that mends it.
// The gateway changes none of these switches itself: other programs of the host depend on them.

import { formatAddress, prefixRange, rangeContains, type AddressFamily } from '../base/address.ts';
import type { HostFacts, PeerPath } from './host-facts.ts';
import type { HostNetworkPlan, HostRoute } from './host-plan.ts';

const STRICT = 1;

/** The warnings of the plan, and those about the host as it is. */
export function hostWarnings(facts: HostFacts, plan: HostNetworkPlan): readonly string[] {
  return [
    ...plan.warnings,
    ...forwardingWarnings(facts, plan),
    ...facts.paths
      .filter((path) => isProtected(plan, path))
      .flatMap((path) => peerWarnings(facts, plan, path)),
  ];
}

function forwardingWarnings(facts: HostFacts, plan: HostNetworkPlan): readonly string[] {
  const switches: readonly [AddressFamily, boolean, string][] = [
    [4, facts.ipv4Forwarding, 'net.ipv4.ip_forward'],
    [6, facts.ipv6Forwarding, 'net.ipv6.conf.all.forwarding'],
  ];
  return switches
    .filter(([family, on]) => !on && plan.routes.some((route) => route.destination.address.family === family))
    .map(
      ([, , name]) =>
        `${name} is 0: hosts behind this gateway cannot use the tunnel; run sysctl -w ${name}=1`,
    );
}

/** Warnings about a peer whose own address is a protected destination. */
function peerWarnings(facts: HostFacts, plan: HostNetworkPlan, path: PeerPath): readonly string[] {
  const { peer, device } = path;
  const who = `peer ${peer.name} (${formatAddress(peer.address)}) is itself a protected destination`;
  const warnings: string[] = [];
  if (plan.mark === 0) {
    warnings.push(`${who} and udp.mark is 0: datagrams to it run in a circle; set udp.mark`);
  }
  // The reverse path of an unmarked datagram from the peer leads into the TUN.
  if (peer.address.family === 4 && device !== undefined && facts.reversePathFilters.get(device) === STRICT) {
    // sysctl writes the dot in a device name as a slash.
    const name = `net.ipv4.conf.${device.replaceAll('.', '/')}.rp_filter`;
    warnings.push(`${who} and ${name} is 1: the kernel drops what it sends; run sysctl -w ${name}=2`);
  }
  return warnings;
}

function isProtected(plan: HostNetworkPlan, path: PeerPath): boolean {
  const holds = (route: HostRoute): boolean =>
    rangeContains(prefixRange(route.destination.address, route.destination.bits), path.peer.address);
  const holding = plan.routes.filter(holds);
  const longest = holding.toSorted((a, b) => b.destination.bits - a.destination.bits)[0];
  return longest?.kind === 'tun';
}
