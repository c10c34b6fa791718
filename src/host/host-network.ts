// Puts a HostNetworkPlan into the kernel and takes it out again. Both may be repeated, and both may follow a
// gateway that was killed: what is there already stays, what is missing is no error.
//
// A process of `ip` costs some milliseconds, so each family is one batch and the families run at once.

import { formatAddress, type AddressFamily } from '../base/address.ts';
import { rulesOf, type HostNetworkPlan } from './host-plan.ts';
import { changeWithIp, ipError, queryIp, tryWithIp, type IpObject } from './ip-command.ts';
import { formatPrefix } from './prefix-cover.ts';
import { foundRouteText, isRule, readRoutingState, replaceRouteCommand, ruleText } from './routing-state.ts';
import type { FoundRoute, RoutingState } from './routing-state.ts';

const FAMILIES = [4, 6] as const;

/** What is needed to find everything a gateway may have left: a plan has it, and so has the configuration. */
export interface HostFootprint {
  readonly tunName: string;
  readonly mark: number;
}

export interface RemoveOptions {
  /** Also deletes the TUN if it is a persistent one. Others go by themselves when the gateway closes them. */
  readonly persistentTun: boolean;
}

/**
 * Sets the TUN up and then routes and rules; removes routes of this TUN that the plan no longer has. The TUN must
 * exist. Throws EnvironmentError with the command that failed; what was set before it stays: remove it then.
 */
export async function applyHostNetwork(plan: HostNetworkPlan): Promise<void> {
  await Promise.all(
    FAMILIES.map(async (family) => {
      const routes = plan.routes.filter((route) => route.destination.address.family === family);
      const state = await readRoutingState(family);
      const planned = new Set(routes.map((route) => `${route.kind} ${formatPrefix(route.destination)}`));
      const stale = ownRoutes(plan, state).filter(
        (route) => !planned.has(`${route.kind} ${route.destination}`),
      );
      const missingRules = plan.rules.filter(
        (rule) => rule.family === family && !state.rules.some((found) => isRule(found, rule)),
      );
      const commands = [
        ...stale.map((route) => `route del ${foundRouteText(route)}`),
        ...routes.map((route) => replaceRouteCommand(route, plan.tunName)),
        ...missingRules.map((rule) => `rule add ${ruleText(rule)}`),
      ];
      // In both batches: routes need the link up, and the batches run at once.
      const needsLink = family === 4 || commands.length > 0;
      const before = [...linkCommands(plan), ...addressCommands(plan, family)];
      await changeWithIp(family, needsLink ? [...before, ...commands] : commands);
    }),
  );
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
  const own = ownRoutes(footprint, state).map((route): Leftover => ({
    object: 'route',
    text: foundRouteText(route),
  }));
  // While another gateway has routes in the table, it needs the rules too; they go with the last one.
  if (hasOtherGateway(footprint, state)) return own;
  const rules = rulesOf(family, footprint.mark)
    .filter((rule) => state.rules.some((found) => isRule(found, rule)))
    .map((rule): Leftover => ({ object: 'rule', text: ruleText(rule) }));
  // Rules first: from then on no packet is led to where no route is.
  return [...rules, ...own];
}

/** Routes into this TUN, and those that throw, which name no device, where no other gateway may have made them. */
function ownRoutes(footprint: HostFootprint, state: RoutingState): readonly FoundRoute[] {
  const shared = hasOtherGateway(footprint, state);
  return state.routes.filter(
    (route) => route.device === footprint.tunName || (route.kind === 'throw' && !shared),
  );
}

function hasOtherGateway(footprint: HostFootprint, state: RoutingState): boolean {
  return state.routes.some((route) => route.device !== undefined && route.device !== footprint.tunName);
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
