// Selectors (RFC 4301 §4.4.1.1) as nftables matches of a packet that arrives: its destination is the local address,
// its source the remote one. What a packet does not show decides which matches can be made at all.

import { formatAddress, type AddressFamily, type AddressRange } from '../base/address.ts';
import type { NumberRange, Selectors } from '../spd/policy.ts';
import { isWholeFamily, mergeRanges, rangesOfFamily } from './address-ranges.ts';

/** `whole`: everything; `ports-hidden`: a later fragment, no ports and no ICMP type; `protocol-hidden`: addresses only. */
export type Shown = 'whole' | 'ports-hidden' | 'protocol-hidden';

/** True where the packet must show more than it does before anybody knows whether the entry matches. */
export function needsMore(selectors: Selectors, shown: Shown): boolean {
  if (shown === 'whole') return false;
  if (shown === 'protocol-hidden' && selectors.protocol !== undefined) return true;
  return (
    selectors.localPort !== undefined || selectors.remotePort !== undefined || selectors.icmp !== undefined
  );
}

/** The matches of an entry, one for each family that it has; an empty text matches every packet. */
export function matchesOf(selectors: Selectors, shown: Shown): readonly string[] {
  const { localAddress, remoteAddress } = selectors;
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
    if (localPort !== undefined) words.push(`th dport ${numbers(localPort)}`);
    // ICMP begins with type and code, one byte each.
    if (icmp !== undefined) words.push(`@th,0,16 ${numbers(icmp)}`);
  }
  return words.join(' ');
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
