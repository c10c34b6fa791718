// Puts a HostNetworkPlan into the kernel and takes it out again. Both may be repeated, and both may follow a
// gateway that was killed: what is there already stays, what is missing is no error.
//
// A process of `ip` costs some milliseconds, so each family is one batch and the families run at once. The order
// within a batch leaves no moment in which a protected destination has a way in clear: first what closes and what leads
// into the TUN, then the rules, and last of all what is no longer wanted. While packets are carried, what leads comes
// before what closes, and goes after it: a packet that the old and the new policies allow never meets the closing route.

import { formatAddress, type AddressFamily } from '../base/address.ts';
import type { HostNetworkPlan } from './host-plan.ts';
import { applySwitches } from './host-switches.ts';
import { changeWithIp, ipError, queryIp, tryWithIp, type IpObject } from './ip-command.ts';
import { formatPrefix } from './prefix-cover.ts';
import type { HostRoute } from './route-plan.ts';
import {
  addRuleCommand,
  closingMetric,
  closingRouteCommands,
  foundOwnRule,
  foundRouteText,
  isRule,
  readRoutingState,
  ruleText,
  tunRouteCommands,
} from './routing-state.ts';
import type { FoundRoute, RoutingState } from './routing-state.ts';
import { isShared, rulesOf, type HostFootprint, type HostRule } from './rule-plan.ts';

const FAMILIES = [4, 6] as const;
/** RFC 7600 §4.8: the dummy address; a device without one takes nothing in under a loose rp_filter. */
const CLEAR_TUN_ADDRESS = '192.0.0.8';

export interface RemoveOptions {
  /** Also deletes the TUN if it is a persistent one. Others go by themselves when the gateway closes them. */
  readonly persistentTun: boolean;
}

/**
 * Sets the devices up and then routes and rules; removes routes and rules of this gateway that the plan no longer
 * has. The TUN must exist. Throws EnvironmentError with the command that failed; what was set before it stays: remove
 * it then.
 * @param isCarrying packets are led into the TUN already
 * @returns a sentence for each switch that could not be set
 */
export async function applyHostNetwork(
  plan: HostNetworkPlan,
  isCarrying = false,
): Promise<readonly string[]> {
  const [clearLink, ...states] = await Promise.all([
    queryIp(['link', 'show', 'dev', plan.clearTunName]),
    ...FAMILIES.map(readRoutingState),
  ]);
  const hasClearTun = clearLink.length > 0;
  await Promise.all(
    FAMILIES.map(async (family, at) => {
      const state = states[at]!;
      const routes = routesOfFamily(plan, family);
      const wanted = new Set(
        routes.flatMap((route) => [routeKey(route), ...(route.kind === 'tun' ? [closingKey(route)] : [])]),
      );
      const stale = ownRoutes(plan, state)
        .filter((route) => !wanted.has(foundKey(route)))
        .toSorted((one, other) => Number(one.kind === 'tun') - Number(other.kind === 'tun'));
      const leading = routes.flatMap((route) => tunRouteCommands(route, plan.tunName));
      const closing = routes.flatMap((route) => closingRouteCommands(route, plan.tunName));
      const devices = [
        ...linkCommands(plan),
        ...addressCommands(plan, family),
        ...(hasClearTun && family === 4 ? clearLinkCommands(plan) : []),
      ];
      const rest = [
        ...ruleCommands(plan, family, state),
        ...stale.map((route) => `route del ${foundRouteText(route)}`),
      ];
      // In both batches: routes need the link up, and the batches run at once.
      const needsLink = family === 4 || leading.length + rest.length > 0;
      const ways = isCarrying ? [...devices, ...leading, ...closing] : [...closing, ...devices, ...leading];
      try {
        await changeWithIp(family, needsLink ? [...ways, ...rest] : rest);
      } catch (error) {
        if (isCarrying) await tryWithIp(family, closing);
        throw error;
      }
    }),
  );
  const devices = new Set([plan.tunName, ...(hasClearTun ? [plan.clearTunName] : [])]);
  const isThere = ({ path }: { path: string }): boolean =>
    devices.has(path.split('/')[2] ?? '') || !isOwnDevice(plan, path);
  return applySwitches(plan.switches.filter(isThere));
}

/** The part of {@link applyHostNetwork} that needs no TUN: no protected destination has a way any more. */
export async function closeHostNetwork(plan: HostNetworkPlan): Promise<void> {
  await Promise.all(
    FAMILIES.map(async (family) => {
      const state = await readRoutingState(family);
      const routes = routesOfFamily(plan, family).flatMap((route) =>
        closingRouteCommands(route, plan.tunName),
      );
      await changeWithIp(family, [...routes, ...ruleCommands(plan, family, state)]);
    }),
  );
}

function isOwnDevice({ tunName, clearTunName }: HostFootprint, path: string): boolean {
  return [tunName, clearTunName].includes(path.split('/')[2] ?? '');
}

function routesOfFamily(plan: HostNetworkPlan, family: AddressFamily): readonly HostRoute[] {
  return plan.routes.filter((route) => route.destination.address.family === family);
}

/** Missing rules are added before wrong ones go, for example those of another mark. */
function ruleCommands(plan: HostNetworkPlan, family: AddressFamily, state: RoutingState): readonly string[] {
  const wanted = plan.rules.filter((rule) => rule.family === family);
  const missing = wanted.filter((rule) => !state.rules.some((found) => isRule(found, rule)));
  const shared = hasOtherGateway(plan, state);
  const stale = state.rules.flatMap((found) => {
    const rule = foundOwnRule(family, found);
    if (rule === undefined || wanted.some((one) => isRule(found, one))) return [];
    return isOwn(plan, rule) || (isShared(rule) && !shared) ? [rule] : [];
  });
  return [...missing.map(addRuleCommand), ...stale.map((rule) => `rule del ${ruleText(rule)}`)];
}

function isOwn({ tunName, clearTunName }: HostFootprint, { inputDevice }: HostRule): boolean {
  return inputDevice === tunName || inputDevice === clearTunName;
}

function routeKey(route: HostRoute): string {
  return `${route.table} ${route.kind} ${formatPrefix(route.destination)}`;
}

function closingKey(route: HostRoute): string {
  return `${route.table} unreachable ${formatPrefix(route.destination)}`;
}

function foundKey(route: FoundRoute): string {
  return `${route.table} ${route.kind} ${route.destination}`;
}

/** Without a prefix, so that no route comes with them; nobody else on the TUN can have them, so no detection. */
function addressCommands(plan: HostNetworkPlan, family: AddressFamily): readonly string[] {
  const flags = family === 6 ? ' nodad' : '';
  return plan.addresses
    .filter((address) => address.family === family)
    .map((address) => `address replace ${formatAddress(address)} dev ${plan.tunName}${flags}`);
}

function linkCommands(plan: HostNetworkPlan): readonly string[] {
  const link = `link set dev ${plan.tunName}`;
  return [
    `${link} mtu ${String(plan.tunMtu)}`,
    // Without a link-local address the kernel sends no router solicitations into the tunnel. Three commands: in
    // one, the kernel would set the link up first, and refuse the mode while the MTU is too small for IPv6.
    ...(plan.tunHasIpv6 ? [`${link} addrgenmode none`] : []),
    `${link} up`,
  ];
}

function clearLinkCommands(plan: HostNetworkPlan): readonly string[] {
  const link = `link set dev ${plan.clearTunName}`;
  return [
    ...(plan.tunHasIpv6 ? [`${link} addrgenmode none`] : []),
    `address replace ${CLEAR_TUN_ADDRESS}/32 dev ${plan.clearTunName}`,
    `${link} up`,
  ];
}

/**
 * Removes routes, rules and, if asked, the persistent TUN of a gateway; nothing of anybody else.
 * @returns what was removed, one line each; empty where nothing was there
 */
export async function removeHostNetwork(
  footprint: HostFootprint,
  options: RemoveOptions = { persistentTun: false },
): Promise<readonly string[]> {
  const removed = await Promise.all(FAMILIES.map((family) => removeFamily(footprint, family)));
  const device = options.persistentTun ? await removePersistentTun(footprint.tunName) : [];
  return [...removed.flat(), ...device];
}

interface Leftover {
  readonly object: 'route' | 'rule';
  readonly text: string;
}

async function removeFamily(footprint: HostFootprint, family: AddressFamily): Promise<readonly string[]> {
  const found = leftovers(footprint, family, await readRoutingState(family));
  const commands = found.map(({ object, text }) => `${object} del ${text}`);
  const complaint = await tryWithIp(family, commands);
  if (complaint !== '') {
    // What the kernel took away meanwhile, with its device, is a complaint and no failure.
    const [left] = leftovers(footprint, family, await readRoutingState(family));
    if (left !== undefined) throw ipError(`ip -${String(family)} ${left.object} del ${left.text}`, complaint);
  }
  return found.map(({ object, text }) => `IPv${String(family)} ${object} ${text}`);
}

function leftovers(
  footprint: HostFootprint,
  family: AddressFamily,
  state: RoutingState,
): readonly Leftover[] {
  // While another gateway has routes in the table, it needs the shared rules too; they go with the last one.
  const shared = hasOtherGateway(footprint, state);
  const rules = rulesOf(family, footprint)
    .filter((rule) => !(shared && isShared(rule)))
    .filter((rule) => state.rules.some((found) => isRule(found, rule)))
    .map((rule): Leftover => ({ object: 'rule', text: ruleText(rule) }));
  const routes = ownRoutes(footprint, state).map((route): Leftover => ({
    object: 'route',
    text: foundRouteText(route),
  }));
  // The rule that leads to the table goes first, those that lead around it after it.
  return [...rules.reverse(), ...routes];
}

/** Routes into this TUN, and those to no device that have the metric of this TUN. */
function ownRoutes({ tunName }: HostFootprint, state: RoutingState): readonly FoundRoute[] {
  const metric = closingMetric(tunName);
  return state.routes.filter((route) =>
    route.kind === 'tun' ? route.device === tunName : route.metric === metric,
  );
}

function hasOtherGateway(footprint: HostFootprint, state: RoutingState): boolean {
  return state.routes.length > ownRoutes(footprint, state).length;
}

async function removePersistentTun(tunName: string): Promise<readonly string[]> {
  const [link] = await queryIp(['-details', 'link', 'show', 'dev', tunName]);
  if (link === undefined || !isPersistentTun(link)) return [];
  await changeWithIp(4, [`link del dev ${tunName}`]);
  return [`device ${tunName}`];
}

function isPersistentTun(link: IpObject): boolean {
  const info = link['linkinfo'] as
    { info_kind?: string; info_data?: { type?: string; persist?: boolean } } | undefined;
  return info?.info_kind === 'tun' && info.info_data?.type === 'tun' && info.info_data.persist === true;
}
