// Selectors (RFC 4301 §4.4.1.1) as nftables matches. Of a packet that arrives the destination is the local address and
// the source the remote one, of a packet that leaves the other way round. What a packet does not show decides which
// matches can be made at all.

import { InvariantError } from '../base/errors.ts';
import { formatAddress, type AddressFamily, type AddressRange } from '../base/address.ts';
import { coveredRanges } from '../spd/multicast.ts';
import { isOpaque, type NumberRange, type Selectors } from '../spd/policy.ts';
import { PROTOCOL_MOBILITY } from '../wire/protocol-numbers.ts';
import { mergeRanges, rangesOfFamily } from './address-ranges.ts';

const TYPE_STEP = 256;

/** `whole`: everything; `ports-hidden`: a later fragment, no ports and no ICMP type; `protocol-hidden`: addresses only. */
export type Shown = 'whole' | 'ports-hidden' | 'protocol-hidden';

export type Way = 'arriving' | 'leaving';

/** True where the packet must show more than it does before anybody knows whether the entry matches. */
export function needsMore(selectors: Selectors, shown: Shown): boolean {
  if (shown === 'whole') return false;
  if (shown === 'protocol-hidden' && selectors.protocol !== undefined) return true;
  return numbersOf(selectors).some((ranges) => !ranges.some(isOpaque));
}

/** The matches of an entry, one for each family that it has; none where such a packet never matches. */
export function matchesOf(selectors: Selectors, shown: Shown, way: Way = 'arriving'): readonly string[] {
  // RFC 4301 §4.4.1.1: OPAQUE takes only what does not show the field.
  if (shown === 'whole' && numbersOf(selectors).some((ranges) => ranges.some(isOpaque))) return [];
  const beyond = protocolMatch(selectors, shown, way);
  const [localField, remoteField] =
    way === 'arriving' ? (['daddr', 'saddr'] as const) : (['saddr', 'daddr'] as const);
  // "Any" leaves multicast out, as the SPD does.
  const locals = coveredRanges(selectors.localAddress);
  const remotes = coveredRanges(selectors.remoteAddress);
  return ([4, 6] as const).flatMap((family) => {
    const local = rangesOfFamily(locals, family);
    const remote = rangesOfFamily(remotes, family);
    if (local.length === 0 || remote.length === 0) return [];
    // In IPv4 nobody can read a Mobility Header's type, so it counts as hidden.
    if (family === 4 && shown === 'whole' && isMobilityType(selectors)) return [];
    const words = [
      addressMatch(remoteField, remote, family),
      addressMatch(localField, local, family),
      beyond,
    ];
    return [words.filter((word) => word !== '').join(' ')];
  });
}

function numbersOf({ localPort, remotePort, icmp }: Selectors): readonly (readonly NumberRange[])[] {
  return [localPort, remotePort, icmp].filter((ranges) => ranges !== undefined);
}

function addressMatch(
  field: 'saddr' | 'daddr',
  ranges: readonly AddressRange[],
  family: AddressFamily,
): string {
  const elements = mergeRanges(ranges).map(({ first, last }) =>
    span(formatAddress(first), formatAddress(last)),
  );
  return `${family === 4 ? 'ip' : 'ip6'} ${field} ${setOf(elements)}`;
}

function protocolMatch(selectors: Selectors, shown: Shown, way: Way): string {
  const { protocol, icmp } = selectors;
  if (protocol === undefined && numbersOf(selectors).length > 0)
    throw new InvariantError('selectors by port or ICMP type without a protocol passed the checks');
  if (protocol === undefined || shown === 'protocol-hidden') return '';
  const words = [`meta l4proto ${String(protocol)}`];
  if (shown !== 'whole') return words.join(' ');
  if (protocol === PROTOCOL_MOBILITY) words.push(...mobilityMatch(selectors));
  else words.push(...portMatches(selectors, way));
  // ICMP begins with type and code, one byte each.
  if (icmp !== undefined) words.push(`@th,0,16 ${numbers(icmp)}`);
  return words.join(' ');
}

/** The words of `th` stand for every protocol that begins with source and destination port. */
function portMatches({ localPort, remotePort }: Selectors, way: Way): readonly string[] {
  const [source, destination] = way === 'arriving' ? [remotePort, localPort] : [localPort, remotePort];
  return [
    ...(source === undefined ? [] : [`th sport ${numbers(source)}`]),
    ...(destination === undefined ? [] : [`th dport ${numbers(destination)}`]),
  ];
}

function isMobilityType({ protocol, localPort }: Selectors): boolean {
  return protocol === PROTOCOL_MOBILITY && localPort !== undefined;
}

/** RFC 6275 §6.1.1: only IPv6 has these messages; the selector has the type in the upper half of the local port. */
function mobilityMatch({ localPort, remotePort }: Selectors): readonly string[] {
  if (remotePort !== undefined)
    throw new InvariantError('selectors of Mobility Header messages with a remote port passed the checks');
  if (localPort === undefined) return [];
  const types = localPort.map(({ first, last }) => ({
    first: Math.ceil(first / TYPE_STEP),
    last: Math.floor(last / TYPE_STEP),
  }));
  return [`mh type ${numbers(types.filter(({ first, last }) => first <= last))}`];
}

function numbers(ranges: readonly NumberRange[]): string {
  const merged: NumberRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1) merged.push(range);
    else if (range.last > before.last) merged[merged.length - 1] = { first: before.first, last: range.last };
  }
  return setOf(merged.map(({ first, last }) => span(String(first), String(last))));
}

function span(first: string, last: string): string {
  return first === last ? first : `${first}-${last}`;
}

function setOf(elements: readonly string[]): string {
  return `{ ${elements.join(', ')} }`;
}
