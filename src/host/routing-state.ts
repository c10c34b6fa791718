// The routes and rules of a gateway, as commands for `ip` and as `ip -json` shows them.

import { parseAddress, type AddressFamily } from '../base/address.ts';
import { ROUTE_PROTOCOL } from './host-plan.ts';
import { queryIpTogether, type IpObject } from './ip-command.ts';
import { formatPrefix } from './prefix-cover.ts';
import { PROTECTED_TABLE, TRANSIT_TABLE, type HostRoute } from './route-plan.ts';
import type { HostRule } from './rule-plan.ts';

const PROTOCOL = String(ROUTE_PROTOCOL);

/** A route of the protected table or the transit table that some gateway of ours made. */
export interface FoundRoute {
  readonly table: HostRoute['table'];
  readonly destination: string;
  readonly kind: 'tun' | 'throw' | 'unreachable';
  /** Present where and only where the kind is `tun`. */
  readonly device: string | undefined;
  readonly metric: number;
}

export interface RoutingState {
  readonly routes: readonly FoundRoute[];
  readonly rules: readonly IpObject[];
}

export async function readRoutingState(family: AddressFamily): Promise<RoutingState> {
  const tables = [PROTECTED_TABLE, TRANSIT_TABLE] as const;
  const shown = tables.map((table) => `route show table ${String(table)} proto ${PROTOCOL}`);
  const [led = [], transit = [], rules = []] = await queryIpTogether(family, [...shown, 'rule show']);
  const routes = [led, transit].flatMap((found, at) =>
    found.map((route) => foundRoute(family, tables[at]!, route)),
  );
  return { routes, rules };
}

function foundRoute(family: AddressFamily, table: HostRoute['table'], route: IpObject): FoundRoute {
  const { type } = route;
  const kind = type === 'throw' || type === 'unreachable' ? type : 'tun';
  return {
    table,
    destination: prefixText(family, String(route['dst'])),
    kind,
    // IPv6 names the loopback device for routes that lead nowhere.
    device: kind === 'tun' ? String(route['dev']) : undefined,
    metric: Number(route['metric'] ?? 0),
  };
}

/** `ip` leaves out full prefix lengths, and writes `default` for the whole family. */
function prefixText(family: AddressFamily, text: string): string {
  if (text === 'default') return family === 4 ? '0.0.0.0/0' : '::/0';
  const [addressText = '', bits = family === 4 ? '32' : '128'] = text.split('/');
  const address = parseAddress(addressText);
  return address === undefined ? text : formatPrefix({ address, bits: Number(bits) });
}

/**
 * The metric of a gateway's routes that lead to no device: greater than that of any route into its TUN, and its own,
 * so that two gateways of one host can have such routes to one destination and each finds its own.
 */
export function closingMetric(tunName: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(tunName)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return 1_000_000 + (hash % 1_000_000);
}

/** True where an object of `ip -json rule` is exactly this rule, whoever made it. */
export function isRule(found: IpObject, rule: HostRule): boolean {
  const expected: Record<string, unknown> = { priority: rule.priority, src: 'all' };
  if (rule.table === 'unreachable') expected['action'] = 'unreachable';
  else expected['table'] = rule.table;
  if (rule.inputDevice !== undefined) expected['iif'] = rule.inputDevice;
  if (rule.mark !== undefined) expected['fwmark'] = markText(rule.mark);
  if (rule.inverted) expected['not'] = null;
  const names = Object.keys(found).filter((name) => name !== 'protocol' && name !== 'iif_detached');
  return (
    names.length === Object.keys(expected).length && names.every((name) => found[name] === expected[name])
  );
}

/** A rule of the priorities that gateways use, made by one of them. @returns undefined for any other rule */
export function foundOwnRule(family: AddressFamily, found: IpObject): HostRule | undefined {
  const { priority, iif, fwmark, table, action } = found;
  if (found['protocol'] !== PROTOCOL || typeof priority !== 'number') return undefined;
  return {
    family,
    priority,
    inputDevice: typeof iif === 'string' ? iif : undefined,
    mark: typeof fwmark === 'string' ? Number(fwmark) : undefined,
    inverted: 'not' in found,
    table: (action === 'unreachable' ? action : String(table)) as HostRule['table'],
  };
}

/** `priority 220 not fwmark 0x4953 lookup 220` */
export function ruleText(rule: HostRule): string {
  const words = [`priority ${String(rule.priority)}`];
  if (rule.inverted) words.push('not');
  if (rule.inputDevice !== undefined) words.push(`iif ${rule.inputDevice}`);
  if (rule.mark !== undefined) words.push(`fwmark ${markText(rule.mark)}`);
  words.push(rule.table === 'unreachable' ? 'unreachable' : `lookup ${rule.table}`);
  return words.join(' ');
}

export function addRuleCommand(rule: HostRule): string {
  return `rule add ${ruleText(rule)} protocol ${PROTOCOL}`;
}

function markText(mark: number): string {
  return `0x${mark.toString(16)}`;
}

/** The route itself, where it leads into the TUN. */
export function tunRouteCommands(route: HostRoute, tunName: string): readonly string[] {
  if (route.kind === 'throw') return [];
  const source = route.source === undefined ? '' : ` src ${route.source}`;
  const mtu = route.mtu === undefined ? '' : ` mtu ${String(route.mtu)}`;
  const where = `table ${String(route.table)} proto ${PROTOCOL}${source}${mtu}`;
  return [`route replace ${formatPrefix(route.destination)} dev ${tunName} ${where}`];
}

/** What stays of a route without the TUN: a throw, or the `unreachable` beneath a route into the TUN. */
export function closingRouteCommands(route: HostRoute, tunName: string): readonly string[] {
  // What was just decrypted came from the TUN, so it is never without it.
  if (route.table === TRANSIT_TABLE && route.kind === 'tun') return [];
  const kind = route.kind === 'throw' ? 'throw' : 'unreachable';
  const where = `table ${String(route.table)} proto ${PROTOCOL} metric ${String(closingMetric(tunName))}`;
  return [`route replace ${kind} ${formatPrefix(route.destination)} ${where}`];
}

/** `10.0.2.0/24 dev isthmus0 table 220 proto 73` */
export function foundRouteText(route: FoundRoute): string {
  const where = `table ${String(route.table)} proto ${PROTOCOL}`;
  if (route.kind === 'tun') return `${route.destination} dev ${route.device ?? ''} ${where}`;
  return `${route.kind} ${route.destination} ${where} metric ${String(route.metric)}`;
}
