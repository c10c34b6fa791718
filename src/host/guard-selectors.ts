// Selectors (RFC 4301 §4.4.1.1) as nftables matches. Of a packet that arrives the destination is the local address and
// the source the remote one, of a packet that leaves the other way round. What a packet does not show decides which
// matches can be made at all.

import { InvariantError } from '../base/errors.ts';
import { formatAddress, type AddressFamily, type AddressRange } from '../base/address.ts';
import type { NumberRange, Selectors } from '../spd/policy.ts';
import { isWholeFamily, mergeRanges, rangesOfFamily } from './address-ranges.ts';

/** `whole`: everything; `ports-hidden`: a later fragment, no ports and no ICMP type; `protocol-hidden`: addresses only. */
export type Shown = 'whole' | 'ports-hidden' | 'protocol-hidden';

export type Way = 'arriving' | 'leaving';

/** True where the packet must show more than it does before anybody knows whether the entry matches. */
export function needsMore(selectors: Selectors, shown: Shown): boolean {
  if (shown === 'whole') return false;
  if (shown === 'protocol-hidden' && selectors.protocol !== undefined) return true;
  return (
    selectors.localPort !== undefined || selectors.remotePort !== undefined || selectors.icmp !== undefined
  );
}

/** The matches of an entry, one for each family that it has; an empty text matches every packet. */
export function matchesOf(selectors: Selectors, shown: Shown, way: Way = 'arriving'): readonly string[] {
  const { localAddress, remoteAddress } = selectors;
  const beyond = protocolMatch(selectors, shown, way);
  const [localField, remoteField] =
    way === 'arriving' ? (['daddr', 'saddr'] as const) : (['saddr', 'daddr'] as const);
  if (localAddress === undefined && remoteAddress === undefined) return [beyond];
  return ([4, 6] as const).flatMap((family) => {
    const local = rangesOfFamily(localAddress, family);
    const remote = rangesOfFamily(remoteAddress, family);
    if (local.length === 0 || remote.length === 0) return [];
    const words = [
      addressMatch(remoteField, remote, family),
      addressMatch(localField, local, family),
      beyond,
    ];
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

function protocolMatch(selectors: Selectors, shown: Shown, way: Way): string {
  const { protocol, localPort, remotePort, icmp } = selectors;
  const byPort = localPort !== undefined || remotePort !== undefined || icmp !== undefined;
  if (protocol === undefined && byPort)
    throw new InvariantError('selectors by port or ICMP type without a protocol passed the checks');
  if (protocol === undefined || shown === 'protocol-hidden') return '';
  const words = [`meta l4proto ${String(protocol)}`];
  if (shown === 'whole') {
    // The words of `th` stand for every protocol that begins with source and destination port.
    const [source, destination] = way === 'arriving' ? [remotePort, localPort] : [localPort, remotePort];
    if (source !== undefined) words.push(`th sport ${numbers(source)}`);
    if (destination !== undefined) words.push(`th dport ${numbers(destination)}`);
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
