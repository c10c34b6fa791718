// Traffic selectors, RFC 7296 §2.9 and §3.13: what SPD entries say in the words of IKE and back, and narrowing.

import { compareAddresses, wholeFamily, type Address, type AddressRange } from '../base/address.ts';
import type { NumberRange, Selectors } from '../spd/policy.ts';
import type { TrafficSelector } from '../wire/ike/payload.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_MOBILITY } from '../wire/protocol-numbers.ts';

const ANY_PORT: NumberRange = { first: 0, last: 65_535 };
const ICMP: readonly number[] = [PROTOCOL_ICMP, PROTOCOL_ICMPV6];

/** One side of selectors, as the TS payload of that side has it. */
export function trafficSelectorsOf(
  selectors: Selectors,
  side: 'local' | 'remote',
): readonly TrafficSelector[] {
  const addresses = (side === 'local' ? selectors.localAddress : selectors.remoteAddress) ?? [
    wholeFamily(4),
    wholeFamily(6),
  ];
  // RFC 7296 §3.13.1: type and code of ICMP, and the type of a Mobility Header, stand where ports do, on both sides.
  const hasType = side === 'local' || selectors.protocol === PROTOCOL_MOBILITY;
  const numbers = selectors.icmp ?? (hasType ? selectors.localPort : selectors.remotePort) ?? [ANY_PORT];
  return addresses.flatMap(({ first, last }) =>
    numbers.map((ports) => ({
      protocol: selectors.protocol ?? 0,
      startPort: ports.first,
      endPort: ports.last,
      first,
      last,
    })),
  );
}

/**
 * What lies in both lists, in the order of `offered`; what lies in another of the result is left out, as the packet does
 * that stands first in an offer, and what holds it comes first then (RFC 7296 §2.9). Nothing shared is an empty list.
 */
export function narrow(
  offered: readonly TrafficSelector[],
  allowed: readonly TrafficSelector[],
): readonly TrafficSelector[] {
  const shared = offered.flatMap((one) => allowed.flatMap((other) => intersect(one, other)));
  const widest = shared.filter(
    (one, index) =>
      !shared.some(
        (other, place) => place !== index && lies(one, other) && (place < index || !lies(other, one)),
      ),
  );
  const [asked] = shared;
  const front = asked && widest.find((one) => lies(asked, one));
  return front === undefined ? widest : [front, ...widest.filter((one) => one !== front)];
}

/**
 * The part of negotiated traffic selectors that one SA can have, which is a list of addresses and a list of ports that
 * go with all of them (RFC 4301 §4.4.1.2); the first selector is in it. What is agreed upon must be no more than that.
 */
export function forOneSa(selectors: readonly TrafficSelector[]): readonly TrafficSelector[] {
  const [first] = selectors;
  const alike = selectors.filter(({ protocol }) => protocol === first?.protocol);
  const portsAt = (place: TrafficSelector): ReadonlySet<string> =>
    new Set(alike.filter((one) => isSameRange(one, place)).map(formatPorts));
  const wanted = first === undefined ? new Set<string>() : portsAt(first);
  return alike.filter((one) => wanted.has(formatPorts(one)) && isWithin(wanted, portsAt(one)));
}

function isWithin(inner: ReadonlySet<string>, outer: ReadonlySet<string>): boolean {
  return [...inner].every((one) => outer.has(one));
}

function isSameRange(one: TrafficSelector, other: TrafficSelector): boolean {
  return compareAddresses(one.first, other.first) === 0 && compareAddresses(one.last, other.last) === 0;
}

function formatPorts({ startPort, endPort }: TrafficSelector): string {
  return `${startPort}-${endPort}`;
}

/** True where a Child SA carries packets like this one. @param packet its selectors, local and remote */
export function carries(
  child: { readonly local: readonly TrafficSelector[]; readonly remote: readonly TrafficSelector[] },
  [local, remote]: readonly [TrafficSelector, TrafficSelector],
): boolean {
  return narrow([local], child.local).length > 0 && narrow([remote], child.remote).length > 0;
}

/** True where everything of `inner` is in `outer`. */
function lies(inner: TrafficSelector, outer: TrafficSelector): boolean {
  const [met] = intersect(inner, outer);
  return met !== undefined && formatTrafficSelector(met) === formatTrafficSelector(inner);
}

function intersect(one: TrafficSelector, other: TrafficSelector): TrafficSelector[] {
  if (one.first.family !== other.first.family) return [];
  if (one.protocol !== other.protocol && one.protocol !== 0 && other.protocol !== 0) return [];
  const first = later(one.first, other.first);
  const last = earlier(one.last, other.last);
  if (compareAddresses(first, last) > 0) return [];
  const ports = intersectPorts(one, other);
  if (ports === undefined) return [];
  return [{ protocol: one.protocol || other.protocol, ...ports, first, last }];
}

function intersectPorts(
  one: TrafficSelector,
  other: TrafficSelector,
): { readonly startPort: number; readonly endPort: number } | undefined {
  const opaque = [one, other].filter(({ startPort, endPort }) => startPort > endPort);
  // RFC 7296 §3.13.1: OPAQUE meets OPAQUE, and ANY takes it in.
  if (opaque.length > 0) {
    const rest = [one, other].filter((selector) => !opaque.includes(selector));
    return rest.every(isAnyPort) ? { startPort: ANY_PORT.last, endPort: ANY_PORT.first } : undefined;
  }
  const startPort = Math.max(one.startPort, other.startPort);
  const endPort = Math.min(one.endPort, other.endPort);
  return startPort > endPort ? undefined : { startPort, endPort };
}

function isAnyPort({ startPort, endPort }: TrafficSelector): boolean {
  return startPort === ANY_PORT.first && endPort === ANY_PORT.last;
}

function later(one: Address, other: Address): Address {
  return compareAddresses(one, other) > 0 ? one : other;
}

function earlier(one: Address, other: Address): Address {
  return compareAddresses(one, other) < 0 ? one : other;
}

/** The selectors of an SA with these traffic selectors, as {@link forOneSa} has them. */
export function selectorsOf(
  local: readonly TrafficSelector[],
  remote: readonly TrafficSelector[],
): Selectors {
  const protocol = local[0]?.protocol || remote[0]?.protocol || undefined;
  const isIcmp = protocol !== undefined && ICMP.includes(protocol);
  return {
    localAddress: rangesOf(local),
    remoteAddress: rangesOf(remote),
    protocol,
    localPort: isIcmp ? undefined : portsOf(local),
    remotePort: isIcmp || protocol === PROTOCOL_MOBILITY ? undefined : portsOf(remote),
    icmp: isIcmp ? portsOf(local) : undefined,
  };
}

function portsOf(selectors: readonly TrafficSelector[]): readonly NumberRange[] | undefined {
  if (selectors.some(isAnyPort)) return undefined;
  const ports = new Map(selectors.map((one) => [formatPorts(one), one]));
  return [...ports.values()].map(({ startPort, endPort }) => ({ first: startPort, last: endPort }));
}

function rangesOf(selectors: readonly TrafficSelector[]): readonly AddressRange[] {
  const places = selectors.filter(
    (one, index) => selectors.findIndex((other) => isSameRange(one, other)) === index,
  );
  return places.map(({ first, last }) => ({ first, last }));
}

/** For the log, and as a key: every field is in it. */
export function formatTrafficSelector({
  first,
  last,
  protocol,
  startPort,
  endPort,
}: TrafficSelector): string {
  const text = (address: Address): string => Buffer.from(address.bytes).toString('hex');
  return `${text(first)}-${text(last)}[${protocol}/${startPort}-${endPort}]`;
}
