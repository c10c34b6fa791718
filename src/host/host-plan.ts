// What the gateway sets in the host's IP stack, computed and not yet done: the TUN's MTU, the routes that lead
// protected destinations into it, the rules that keep its own datagrams out of it, and switches of the two devices.
// RFC 4301 §4.4.1, §5.1.
//
// The routes live in tables of their own. Marked datagrams, the gateway's own, go by the main table and never
// enter the protected one, not even where the main table has no route. Each route names as `src` an address of
// the host inside the policy's local selectors, so the gateway itself reaches the far side; the TUN shares these
// addresses, so that what the kernel itself sends on it has one.

import { prefixRange, type Address, type AddressFamily } from '../base/address.ts';
import type { Policy } from '../spd/policy.ts';
import type { HostFacts } from './host-facts.ts';
import { planSwitches, type HostSwitch } from './host-switches.ts';
import type { Prefix } from './prefix-cover.ts';
import { planRoutes, type HostRoute, type RoutePlan } from './route-plan.ts';
import { rulesOf, type HostFootprint, type HostRule } from './rule-plan.ts';
import { planTransit } from './transit-plan.ts';
import { IPV6_MINIMUM_MTU, planTunMtu } from './tun-mtu.ts';

/** The `protocol` of our routes and rules tells them from those of others; a number that no one registered. */
export const ROUTE_PROTOCOL = 73;

export interface HostPlanInput extends HostFootprint {
  /** What is led into the TUN; `none`: somebody else routes. */
  readonly traffic: 'policy' | 'all' | 'none';
  readonly configuredMtu: number | undefined;
  /** Interfaces of the unprotected side; undefined: those that lead to peers. */
  readonly unprotected: readonly string[] | undefined;
  readonly policies: readonly Policy[];
  readonly facts: HostFacts;
}

export interface HostNetworkPlan extends HostFootprint {
  readonly tunMtu: number;
  /** True where the TUN is an IPv6 interface, whether or not routes lead IPv6 into it. */
  readonly tunHasIpv6: boolean;
  /** Addresses of the host that the TUN shares: the sources of the routes. */
  readonly addresses: readonly Address[];
  readonly routes: readonly HostRoute[];
  readonly rules: readonly HostRule[];
  readonly switches: readonly HostSwitch[];
  /** What was decided and why, for the log. */
  readonly explanations: readonly string[];
  readonly warnings: readonly string[];
}

const NO_ROUTES: RoutePlan = { routes: [], addresses: [], explanations: [], warnings: [] };

/** Throws EnvironmentError where a policy names IPv6 addresses and the host has IPv6 switched off. */
export function planHostNetwork(input: HostPlanInput): HostNetworkPlan {
  const { facts, tunName, clearTunName, mark, traffic } = input;
  const policies = input.policies.toSorted((a, b) => a.priority - b.priority);
  const inside = insideNetworks(facts, unprotectedDevices(input));
  const led = traffic === 'none' ? NO_ROUTES : planRoutes({ traffic, policies, facts, inside });
  const families = familiesOf(led.routes);
  const transit = traffic === 'none' ? [] : planTransit(policies, families, inside);
  const carriesIpv6 = families.includes(6) || (traffic === 'none' && facts.ipv6Enabled);
  const mtu = planTunMtu({ policies, paths: facts.paths, configuredMtu: input.configuredMtu, carriesIpv6 });
  const footprint = { tunName, clearTunName, mark };
  return {
    ...footprint,
    tunMtu: mtu.mtu,
    tunHasIpv6: facts.ipv6Enabled && mtu.mtu >= IPV6_MINIMUM_MTU,
    addresses: led.addresses,
    routes: [...led.routes, ...transit],
    rules: families.flatMap((family) => rulesOf(family, footprint)),
    switches: planSwitches({
      ...footprint,
      unprotected: unprotectedDevices(input),
      hasTransit: transit.length > 0 || traffic === 'none',
      reversePathFilter: facts.reversePathFilter,
    }),
    explanations: [...mtu.explanations, ...led.explanations],
    warnings: [...mtu.warnings, ...led.warnings],
  };
}

function unprotectedDevices({ unprotected, facts }: HostPlanInput): readonly string[] {
  return unprotected ?? [...new Set(facts.paths.flatMap(({ device }) => device ?? []))];
}

/** The networks of the addresses on every other device. */
function insideNetworks(facts: HostFacts, unprotected: readonly string[]): readonly Prefix[] {
  return facts.addresses
    .filter(({ device }) => !unprotected.includes(device))
    .map(({ address, prefixBits }) => ({
      address: prefixRange(address, prefixBits).first,
      bits: prefixBits,
    }));
}

function familiesOf(routes: readonly HostRoute[]): readonly AddressFamily[] {
  return [...new Set(routes.map(({ destination }) => destination.address.family))];
}
