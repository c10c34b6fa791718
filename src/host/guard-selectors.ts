// Selectors (RFC 4301 §4.4.1.1) as nftables matches of a packet that arrives: its destination is the local address,
// its source the remote one. What a packet does not show decides which matches can be made at all.

import { formatAddress, type AddressFamily, type AddressRange } from '../base/address.ts';
import { isOpaque, type NumberRange, type Selectors } from '../spd/policy.ts';
import { PROTOCOL_MOBILITY } from '../wire/protocol-numbers.ts';
import { isWholeFamily, mergeRanges, rangesOfFamily } from './address-ranges.ts';

/** `whole`: everything; `ports-hidden`: a later fragment, no ports and no ICMP type; `protocol-hidden`: addresses only. */
export type Shown = 'whole' | 'ports-hidden' | 'protocol-hidden';

/** True where the packet must show more than it does before anybody knows whether the entry matches. */
export function needsMore(selectors: Selectors, shown: Shown): boolean {
  if (shown === 'whole') return false;
  if (shown === 'protocol-hidden' && selectors.protocol !== undefined) return true;
  return numbersOf(selectors).some((ranges) => ranges !== undefined && !ranges.some(isOpaque));
}

/** The matches of an entry, one for each family that it has; an empty text matches every packet. */
export function matchesOf(selectors: Selectors, shown: Shown): readonly string[] {
  const { localAddress, remoteAddress } = selectors;
  // RFC 4301 §4.4.1.1: OPAQUE is met only by what the packet does not show.
  if (shown === 'whole' && numbersOf(selectors).some((ranges) => ranges?.some(isOpaque))) return [];
  const beyond = protocolMatch(selectors, shown);
  if (localAddress === undefined && remoteAddress === undefined) return [beyond];
  return ([4, 6] as const).flatMap((family) => {
    const local = rangesOfFamily(localAddress, family);
    const remote = rangesOfFamily(remoteAddress, family);
    if (local.length === 0 || remote.length === 0) return [];
    const words = [addressMatch('saddr', remote, family), addressMatch('daddr', local, family), beyond];
    return [`meta nfproto ipv${String(family)} ${words.filter((word) => word !== '').join(' ')}`.trim()];
  });
}

function addressMatch(
  field: 'saddr' | 'daddr',
  ranges: readonly AddressRange[],
  family: AddressFamily,
): string {
  if (isWholeFamily(ranges)) return '';
  const elements = mergeRanges(ranges).map(({ first, last }) =>
    span(formatAddress(first), formatAddress(last)),
  );
  return `${family === 4 ? 'ip' : 'ip6'} ${field} ${setOf(elements)}`;
}

function protocolMatch(selectors: Selectors, shown: Shown): string {
  const { protocol, localPort, remotePort, icmp } = selectors;
  if (protocol === undefined || shown === 'protocol-hidden') return '';
  const words = [`meta l4proto ${String(protocol)}`];
  if (shown === 'whole') {
    // The words of `th` stand for every protocol that begins with source and destination port.
    if (remotePort !== undefined) words.push(`th sport ${numbers(remotePort)}`);
    if (localPort !== undefined && protocol !== PROTOCOL_MOBILITY)
      words.push(`th dport ${numbers(localPort)}`);
    // RFC 6275 §6.1.1: the type is the third byte, which the selector holds in its upper half.
    if (localPort !== undefined && protocol === PROTOCOL_MOBILITY)
      words.push(`@th,16,8 ${numbers(localPort.map(upperHalf))}`);
    // ICMP begins with type and code, one byte each.
    if (icmp !== undefined) words.push(`@th,0,16 ${numbers(icmp)}`);
  }
  return words.join(' ');
}

function numbersOf({
  localPort,
  remotePort,
  icmp,
}: Selectors): readonly (readonly NumberRange[] | undefined)[] {
  return [localPort, remotePort, icmp];
}

function upperHalf({ first, last }: NumberRange): NumberRange {
  return { first: first >> 8, last: last >> 8 };
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
