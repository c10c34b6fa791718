// What the gateway sets in the host's IP stack, computed and not yet done: the TUN's MTU, the routes that lead
// protected destinations into it, and the rules that keep its own datagrams out of it. RFC 4301 §4.4.1, §5.1.
//
// The routes live in a table of their own. Marked datagrams, the gateway's own, go by the main table and never
// enter the protected one, not even where the main table has no route. Each route names as `src` an address of
// the host inside the policy's local selectors, so the gateway itself reaches the far side; the TUN shares these
// addresses, so that what the kernel itself sends on it has one. Only destinations are looked at here; the SPD judges every packet that arrives.

import { compareAddresses, formatAddress, rangeContains, wholeFamily } from '../base/address.ts';
import type { Address, AddressFamily, AddressRange } from '../base/address.ts';
import { EnvironmentError } from '../base/errors.ts';
import type { Policy } from '../spd/policy.ts';
import type { HostAddress, HostFacts } from './host-facts.ts';
import { coverRange, formatPrefix, type Prefix } from './prefix-cover.ts';
import { IPV6_MINIMUM_MTU, planTunMtu } from './tun-mtu.ts';

export const PROTECTED_TABLE = 220;
/** The `protocol` of our routes tells them from those of others in the table; a number that no one registered. */
export const ROUTE_PROTOCOL = 73;
const MAIN_RULE_PRIORITY = 219;
const PROTECTED_RULE_PRIORITY = 220;

export interface HostRoute {
  readonly destination: Prefix;
  /** `throw`: not for the TUN, the search goes on in the next table. */
  readonly kind: 'tun' | 'throw';
  readonly source: string | undefined;
}

export interface HostRule {
  readonly family: AddressFamily;
  readonly priority: number;
  /** undefined: every packet. */
  readonly mark: number | undefined;
  /** True: packets without the mark. */
  readonly inverted: boolean;
  readonly table: 'main' | '220';
}

export interface HostPlanInput {
  readonly tunName: string;
  readonly configuredMtu: number | undefined;
  /** Firewall mark of the gateway's own datagrams; 0 = none. */
  readonly mark: number;
  readonly policies: readonly Policy[];
  readonly facts: HostFacts;
}

export interface HostNetworkPlan {
  readonly tunName: string;
  readonly mark: number;
  readonly tunMtu: number;
  /** True where the TUN is an IPv6 interface, whether or not routes lead IPv6 into it. */
  readonly tunHasIpv6: boolean;
  /** Addresses of the host that the TUN shares: the sources of the routes. */
  readonly addresses: readonly Address[];
  readonly routes: readonly HostRoute[];
  readonly rules: readonly HostRule[];
  /** What was decided and why, for the log. */
  readonly explanations: readonly string[];
  readonly warnings: readonly string[];
}

/** Throws EnvironmentError where a policy names IPv6 addresses and the host has IPv6 switched off. */
export function planHostNetwork(input: HostPlanInput): HostNetworkPlan {
  const { facts, policies, tunName, mark } = input;
  const explanations: string[] = [];
  const warnings: string[] = [];
  const routes = new Map<string, HostRoute>();
  const addresses = new Map<string, Address>();
  const byPriority = policies.toSorted((a, b) => a.priority - b.priority);
  for (const policy of byPriority) {
    if (policy.action !== 'PROTECT') continue;
    for (const family of [4, 6] as const) {
      const { local, remote } = familySelectors(policy, family);
      if (local.length === 0 || remote.length === 0) continue;
      if (family === 6 && !facts.ipv6Enabled) {
        explanations.push(ipv6Left(policy));
        continue;
      }
      const source = chooseSource(facts, local);
      if (source === undefined) explanations.push(noSource(policy, family));
      else if (source.tentative) warnings.push(tentativeSource(policy, source));
      const src = source?.tentative === false ? formatAddress(source.address) : undefined;
      if (source !== undefined && src !== undefined) addresses.set(src, source.address);
      addRoutes(routes, local, remote, src);
    }
  }
  const planned = [...routes.values()];
  const carriesIpv6 = planned.some((route) => route.destination.address.family === 6);
  const mtu = planTunMtu({ policies, paths: facts.paths, configuredMtu: input.configuredMtu, carriesIpv6 });
  const families = new Set(planned.map((route) => route.destination.address.family));
  return {
    tunName,
    mark,
    tunMtu: mtu.mtu,
    tunHasIpv6: facts.ipv6Enabled && mtu.mtu >= IPV6_MINIMUM_MTU,
    addresses: [...addresses.values()],
    routes: planned,
    rules: [...families].flatMap((family) => rulesOf(family, mark)),
    explanations: [...mtu.explanations, ...explanations],
    warnings: [...mtu.warnings, ...warnings],
  };
}

/** The rules of a gateway in one family; cleaning up needs only its mark to find them. */
export function rulesOf(family: AddressFamily, mark: number): readonly HostRule[] {
  const protectedRule = { family, priority: PROTECTED_RULE_PRIORITY, table: '220' } as const;
  if (mark === 0) return [{ ...protectedRule, mark: undefined, inverted: false }];
  return [
    { family, priority: MAIN_RULE_PRIORITY, mark, inverted: false, table: 'main' },
    { ...protectedRule, mark, inverted: true },
  ];
}

interface FamilySelectors {
  readonly local: readonly AddressRange[];
  readonly remote: readonly AddressRange[];
}

function familySelectors(policy: Policy, family: AddressFamily): FamilySelectors {
  const ofFamily = (ranges: readonly AddressRange[] | undefined): readonly AddressRange[] =>
    ranges?.filter((range) => range.first.family === family) ?? [wholeFamily(family)];
  const { localAddress, remoteAddress } = policy.selectors;
  return { local: ofFamily(localAddress), remote: ofFamily(remoteAddress) };
}

function addRoutes(
  routes: Map<string, HostRoute>,
  local: readonly AddressRange[],
  remote: readonly AddressRange[],
  source: string | undefined,
): void {
  const add = (range: AddressRange, kind: HostRoute['kind']): void => {
    for (const destination of coverRange(range)) {
      const key = formatPrefix(destination);
      const known = routes.get(key);
      // The policy that is met first keeps its route; one into the TUN wins over a throw.
      if (known !== undefined && (known.kind === 'tun' || kind === 'throw')) continue;
      routes.set(key, { destination, kind, source: kind === 'tun' ? source : undefined });
    }
  };
  for (const range of remote) add(range, 'tun');
  // Where the remote selector is wider than the local network and holds it (`any`), what goes to the local
  // network, freshly decrypted packets before all, would turn round into the TUN.
  for (const range of local) if (remote.some((wide) => strictlyInside(range, wide))) add(range, 'throw');
}

function strictlyInside(inner: AddressRange, outer: AddressRange): boolean {
  const first = compareAddresses(outer.first, inner.first);
  const last = compareAddresses(inner.last, outer.last);
  return first <= 0 && last <= 0 && (first < 0 || last < 0);
}

/** An address of the host that the local selectors allow; rather not one that the gateway talks to peers from. */
function chooseSource(facts: HostFacts, local: readonly AddressRange[]): HostAddress | undefined {
  const inside = facts.addresses.filter(({ address }) =>
    local.some((range) => rangeContains(range, address)),
  );
  const usable = inside.filter((candidate) => !candidate.tentative);
  return usable.find((candidate) => !isOuter(facts, candidate.address)) ?? usable[0] ?? inside[0];
}

function isOuter(facts: HostFacts, address: Address): boolean {
  const text = formatAddress(address);
  return facts.paths.some((path) => path.source === text);
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

function tentativeSource(policy: Policy, source: HostAddress): string {
  return (
    `${formatAddress(source.address)} on ${source.device} is still tentative: until the gateway starts again, ` +
    `it cannot use policy ${policy.name} itself (duplicate address detection; nodad avoids the wait)`
  );
}
