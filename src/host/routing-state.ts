// The routes and rules of a gateway, as commands for `ip` and as `ip -json` shows them.

import { parseAddress, type AddressFamily } from '../base/address.ts';
import { PROTECTED_TABLE, ROUTE_PROTOCOL, type HostRoute, type HostRule } from './host-plan.ts';
import { queryIp, type IpObject } from './ip-command.ts';
import { formatPrefix } from './prefix-cover.ts';

const TABLE = String(PROTECTED_TABLE);
const PROTOCOL = String(ROUTE_PROTOCOL);

/** A route of the protected table that some gateway of ours made. */
export interface FoundRoute {
  readonly destination: string;
  readonly kind: 'tun' | 'throw';
  /** undefined where the kind is `throw`. */
  readonly device: string | undefined;
}

export interface RoutingState {
  readonly routes: readonly FoundRoute[];
  readonly rules: readonly IpObject[];
}

export async function readRoutingState(family: AddressFamily): Promise<RoutingState> {
  const option = `-${String(family)}`;
  const [routes, rules] = await Promise.all([
    queryIp([option, 'route', 'show', 'table', TABLE, 'proto', PROTOCOL]),
    queryIp([option, 'rule', 'show']),
  ]);
  return { routes: routes.map((route) => foundRoute(family, route)), rules };
}

function foundRoute(family: AddressFamily, route: IpObject): FoundRoute {
  const thrown = route['type'] === 'throw';
  return {
    destination: prefixText(family, String(route['dst'])),
    kind: thrown ? 'throw' : 'tun',
    device: thrown ? undefined : String(route['dev']),
  };
}

/** `ip` leaves out full prefix lengths, and writes `default` for the whole family. */
function prefixText(family: AddressFamily, text: string): string {
  if (text === 'default') return family === 4 ? '0.0.0.0/0' : '::/0';
  const [addressText = '', bits = family === 4 ? '32' : '128'] = text.split('/');
  const address = parseAddress(addressText);
  return address === undefined ? text : formatPrefix({ address, bits: Number(bits) });
}

/** True where an object of `ip -json rule` is exactly this rule. */
export function isRule(found: IpObject, rule: HostRule): boolean {
  const expected: Record<string, unknown> = { priority: rule.priority, src: 'all', table: rule.table };
  if (rule.mark !== undefined) expected['fwmark'] = `0x${rule.mark.toString(16)}`;
  if (rule.inverted) expected['not'] = null;
  const names = Object.keys(found).filter((name) => name !== 'protocol');
  return (
    names.length === Object.keys(expected).length && names.every((name) => found[name] === expected[name])
  );
}

/** `priority 220 not fwmark 0x4953 lookup 220` */
export function ruleText(rule: HostRule): string {
  const mark = rule.mark === undefined ? '' : `fwmark 0x${rule.mark.toString(16)} `;
  return `priority ${String(rule.priority)} ${rule.inverted ? 'not ' : ''}${mark}lookup ${rule.table}`;
}

export function replaceRouteCommand(route: HostRoute, tunName: string): string {
  const where = `table ${TABLE} proto ${PROTOCOL}`;
  const destination = formatPrefix(route.destination);
  if (route.kind === 'throw') return `route replace throw ${destination} ${where}`;
  const source = route.source === undefined ? '' : ` src ${route.source}`;
  return `route replace ${destination} dev ${tunName} ${where}${source}`;
}

/** `10.0.2.0/24 dev isthmus0 table 220 proto 73` */
export function foundRouteText(route: FoundRoute): string {
  const target = route.device === undefined ? '' : ` dev ${route.device}`;
  const kind = route.kind === 'throw' ? 'throw ' : '';
  return `${kind}${route.destination}${target} table ${TABLE} proto ${PROTOCOL}`;
}
