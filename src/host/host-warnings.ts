// What on this host will keep the tunnel from working, as sentences with the command that mends it.
// The gateway changes none of these switches itself: other programs of the host depend on them.

import { formatAddress, prefixRange, rangeContains, type AddressFamily } from '../base/address.ts';
import type { HostFacts, HostPeer, PeerPath } from './host-facts.ts';
import type { Policy } from '../spd/policy.ts';
import type { HostNetworkPlan } from './host-plan.ts';
import { PROTECTED_TABLE, type HostRoute } from './route-plan.ts';

const STRICT = 1;

/** What of the configuration a warning may be about. */
export interface GuardedHost {
  /** undefined: `guard: none`. */
  readonly guardedInterfaces: readonly string[] | undefined;
  readonly policies: readonly Policy[];
  /** True where the gateway's datagrams get its mark as they arrive. */
  readonly marksArriving: boolean;
}

/** The warnings of the plan, and those about the host as it is. */
export function hostWarnings(
  facts: HostFacts,
  plan: HostNetworkPlan,
  guarded: GuardedHost,
): readonly string[] {
  return [
    ...plan.warnings,
    ...guardWarnings(facts, guarded),
    ...forwardingWarnings(facts, plan),
    ...facts.paths
      .filter((path) => isProtected(plan, path))
      .flatMap((path) => peerWarnings(facts, plan, path, guarded.marksArriving)),
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

/** RFC 4301 §4.4.1: what no policy names is discarded, and that is what an administrator far away forgets first. */
function guardWarnings(
  facts: HostFacts,
  { guardedInterfaces = [], policies }: GuardedHost,
): readonly string[] {
  const missing = guardedInterfaces.filter((name) => !facts.devices.includes(name));
  const own = facts.addresses.filter(({ device }) => guardedInterfaces.includes(device));
  const isNamed = policies.some(
    ({ action, selectors }) =>
      action === 'BYPASS' &&
      own.some(
        ({ address }) => selectors.localAddress?.some((range) => rangeContains(range, address)) ?? true,
      ),
  );
  return [
    ...missing.map((name) => `there is no interface ${name} now: the guard waits for it; is the name right?`),
    ...(own.length === 0 || isNamed
      ? []
      : [
          `no BYPASS policy names an address of ${guardedInterfaces.join(', ')}: nobody reaches this host itself ` +
            'from there in clear, not by SSH either (RFC 4301 §4.4.1)',
        ]),
  ];
}

/** Warnings about a peer whose own address is a protected destination. */
function peerWarnings(
  facts: HostFacts,
  plan: HostNetworkPlan,
  path: PeerPath,
  marksArriving: boolean,
): readonly string[] {
  const { peer } = path;
  const who = `peer ${peer.name} (${formatAddress(peer.address)}) is itself a protected destination`;
  const warnings: string[] = [];
  if (plan.mark === 0) {
    warnings.push(`${who} and udp.mark is 0: datagrams to it run in a circle; set udp.mark`);
  }
  const name = strictSwitch(facts, plan, path, marksArriving);
  if (name !== undefined)
    warnings.push(`${who} and ${name} is 1: the kernel drops what it sends; run sysctl -w ${name}=2`);
  return warnings;
}

/** Peers that are protected destinations themselves, and the switch that keeps out what they send. */
export function strictReversePaths(
  facts: HostFacts,
  plan: HostNetworkPlan,
  marksArriving: boolean,
): readonly { readonly peer: HostPeer; readonly name: string }[] {
  return facts.paths
    .filter((path) => isProtected(plan, path))
    .flatMap((path) => {
      const name = strictSwitch(facts, plan, path, marksArriving);
      return name === undefined ? [] : [{ peer: path.peer, name }];
    });
}

function strictSwitch(
  facts: HostFacts,
  plan: HostNetworkPlan,
  { peer, device }: PeerPath,
  marksArriving: boolean,
): string | undefined {
  // The reverse path of an unmarked datagram from the peer leads into the TUN; with a mark it is marked as it arrives.
  const isUnmarked = plan.mark === 0 || !marksArriving;
  const isStrict = device !== undefined && facts.reversePathFilters.get(device) === STRICT;
  // sysctl writes the dot in a device name as a slash.
  return peer.address.family === 4 && isUnmarked && isStrict
    ? `net.ipv4.conf.${device.replaceAll('.', '/')}.rp_filter`
    : undefined;
}

function isProtected(plan: HostNetworkPlan, path: PeerPath): boolean {
  const holds = (route: HostRoute): boolean =>
    rangeContains(prefixRange(route.destination.address, route.destination.bits), path.peer.address);
  const holding = plan.routes.filter((route) => route.table === PROTECTED_TABLE && holds(route));
  const longest = holding.toSorted((a, b) => b.destination.bits - a.destination.bits)[0];
  return longest?.kind === 'tun';
}
