// Which destinations lead into the TUN: PROTECT and DISCARD, or everything, less what lies on the protected side
// itself. RFC 4301 §4.4.1, §5.1. Only destinations are looked at here; the SPD judges every packet that arrives.
//
// Beneath each route into the TUN lies one that says unreachable: when the TUN goes, the traffic stops.

import { formatAddress, prefixRange, wholeFamily } from '../base/address.ts';
import type { Address, AddressFamily, AddressRange } from '../base/address.ts';
import { EnvironmentError } from '../base/errors.ts';
import type { Policy } from '../spd/policy.ts';
import { isStrictlyInside, rangesOfFamily } from './address-ranges.ts';
import type { HostFacts } from './host-facts.ts';
import { chooseSource, outerSource } from './route-source.ts';
import { coverRange, formatPrefix, type Prefix } from './prefix-cover.ts';

export const PROTECTED_TABLE = 220;
/** For what has just left a tunnel and goes on into another one. */
export const TRANSIT_TABLE = 221;

export interface HostRoute {
  readonly table: typeof PROTECTED_TABLE | typeof TRANSIT_TABLE;
  readonly destination: Prefix;
  /** `throw`: not for the TUN, the search goes on in the next table. */
  readonly kind: 'tun' | 'throw';
  readonly source: string | undefined;
  /** Bytes; left out: the TUN's. */
  readonly mtu?: number;
}

export interface RoutePlanInput {
  readonly traffic: 'policy' | 'all';
  /** In the order in which packets meet them. */
  readonly policies: readonly Policy[];
  readonly facts: HostFacts;
  /** Networks of the protected side that this host is connected to. */
  readonly inside: readonly Prefix[];
}

export interface RoutePlan {
  readonly routes: readonly HostRoute[];
  /** Addresses of the host that the TUN shares: the sources of the routes to PROTECT destinations. */
  readonly addresses: readonly Address[];
  readonly explanations: readonly string[];
  readonly warnings: readonly string[];
}

const IPV6_LINK_LOCAL: Prefix = {
  address: { family: 6, bytes: Uint8Array.of(0xfe, 0x80, ...new Uint8Array(14)) },
  bits: 10,
};

/** Throws EnvironmentError where a PROTECT policy names IPv6 addresses and the host has IPv6 switched off. */
export function planRoutes(input: RoutePlanInput): RoutePlan {
  const { facts, policies } = input;
  const routes = new RouteList(PROTECTED_TABLE);
  const addresses = new Map<string, Address>();
  const explanations: string[] = [];
  const warnings: string[] = [];
  for (const policy of policies) {
    if (policy.action === 'BYPASS') continue;
    for (const family of [4, 6] as const) {
      const local = rangesOfFamily(policy.selectors.localAddress, family);
      const remote = rangesOfFamily(policy.selectors.remoteAddress, family);
      if (local.length === 0 || remote.length === 0) continue;
      if (family === 6 && !facts.ipv6Enabled) {
        if (policy.action === 'PROTECT') explanations.push(ipv6Left(policy));
        continue;
      }
      if (policy.action === 'DISCARD') {
        routes.addRanges(remote, 'tun', outerSource(facts, family));
        continue;
      }
      const source = chooseSource(facts, local);
      if (source === undefined) explanations.push(noSource(policy, family));
      else if (source.tentative) warnings.push(tentativeSource(policy, source));
      const src = source?.tentative === false ? formatAddress(source.address) : undefined;
      if (source !== undefined && src !== undefined) addresses.set(src, source.address);
      routes.addRanges(remote, 'tun', src);
      // Where the remote selector is wider than the local network and holds it (`any`), what the gateway itself
      // sends to the local network would turn round into the TUN.
      const held = local.filter((range) => remote.some((wide) => isStrictlyInside(range, wide)));
      routes.addRanges(held, 'throw', undefined);
    }
  }
  if (input.traffic === 'all')
    for (const family of facts.ipv6Enabled ? ([4, 6] as const) : ([4] as const))
      routes.addRanges([wholeFamily(family)], 'tun', outerSource(facts, family));
  routes.spare([...input.inside, IPV6_LINK_LOCAL]);
  return { routes: routes.list, addresses: [...addresses.values()], explanations, warnings };
}

/** Routes of one table, each destination once. */
export class RouteList {
  readonly #table: HostRoute['table'];
  readonly #routes = new Map<string, HostRoute>();

  constructor(table: HostRoute['table']) {
    this.#table = table;
  }

  get list(): readonly HostRoute[] {
    return [...this.#routes.values()];
  }

  addRanges(ranges: readonly AddressRange[], kind: HostRoute['kind'], source: string | undefined): void {
    for (const range of ranges) for (const prefix of coverRange(range)) this.#add(prefix, kind, source);
  }

  /** Throws back what lies inside a route into the TUN: nothing of it crosses the IPsec boundary. */
  spare(prefixes: readonly Prefix[]): void {
    const led = this.list.filter(({ kind }) => kind === 'tun').map(({ destination }) => rangeOf(destination));
    for (const prefix of prefixes)
      if (led.some((wide) => isInFamily(prefix, wide) && isStrictlyInside(rangeOf(prefix), wide)))
        this.#add(prefix, 'throw', undefined);
  }

  #add(destination: Prefix, kind: HostRoute['kind'], source: string | undefined): void {
    const key = formatPrefix(destination);
    const known = this.#routes.get(key);
    // The policy that is met first keeps its route; one into the TUN wins over a throw.
    if (known !== undefined && (known.kind === 'tun' || kind === 'throw')) return;
    this.#routes.set(key, { table: this.#table, destination, kind, source });
  }
}

function rangeOf(prefix: Prefix): AddressRange {
  return prefixRange(prefix.address, prefix.bits);
}

function isInFamily(prefix: Prefix, range: AddressRange): boolean {
  return prefix.address.family === range.first.family;
}

function ipv6Left(policy: Policy): string {
  const { localAddress, remoteAddress } = policy.selectors;
  const named = [...(localAddress ?? []), ...(remoteAddress ?? [])].some((range) => range.first.family === 6);
  if (named) {
    throw new EnvironmentError(
      `policy ${policy.name} names IPv6 addresses, but IPv6 is switched off on this host: ` +
        'run sysctl -w net.ipv6.conf.all.disable_ipv6=0, or take the IPv6 addresses out of the policy',
    );
  }
  return `IPv6 is switched off on this host: policy ${policy.name} is applied to IPv4 only`;
}

function noSource(policy: Policy, family: AddressFamily): string {
  return (
    `no IPv${String(family)} address of this host is in the local selectors of policy ${policy.name}: ` +
    'hosts behind the gateway can use the tunnel, the gateway itself cannot'
  );
}

function tentativeSource(policy: Policy, source: { address: Address; device: string }): string {
  return (
    `${formatAddress(source.address)} on ${source.device} is still tentative: until the gateway starts again, ` +
    `it cannot use policy ${policy.name} itself (duplicate address detection; nodad avoids the wait)`
  );
}
