// Multicast and limited broadcast in selectors. RFC 4301 §4.4.1 has multicast policies written apart; here a policy
// covers such addresses only with a range that lies wholly among them, so that "any" never sends a group's traffic
// into a tunnel. Broadcast addresses of a subnet cannot be told from hosts and are not looked for.

import {
  compareAddresses,
  parseAddress,
  rangeContains,
  wholeFamily,
  type Address,
  type AddressFamily,
  type AddressRange,
} from '../base/address.ts';
import type { Flow } from './flow.ts';

/** RFC 5771, RFC 919 §7, RFC 4291 §2.7. */
const RESERVED: readonly AddressRange[] = [
  rangeOf('224.0.0.0', '239.255.255.255'),
  rangeOf('255.255.255.255', '255.255.255.255'),
  rangeOf('ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'),
];

const EVERY_UNICAST_ADDRESS: readonly AddressRange[] = [wholeFamily(4), wholeFamily(6)].flatMap(
  withoutReserved,
);

/** What ranges of a selector cover: explicit multicast as it stands, everything else without multicast. */
export function coveredRanges(ranges: readonly AddressRange[] | undefined): readonly AddressRange[] {
  if (ranges === undefined) return EVERY_UNICAST_ADDRESS;
  if (ranges.every(isBelowReserved)) return ranges;
  return ranges.flatMap((range) => (isReserved(range) ? [range] : withoutReserved(range)));
}

/** True where every address of the range is multicast or limited broadcast. */
export function isReserved(range: AddressRange): boolean {
  return RESERVED.some((one) => rangeContains(one, range.first) && rangeContains(one, range.last));
}

/** @param addressWord where the address lies in the flow @param family 4 or 6 */
export function isMulticastWord(flow: Flow, addressWord: number, family: number): boolean {
  const word = flow[addressWord]!;
  return family === 4 ? word >>> 28 === 0xe || word === -1 : word >>> 24 === 0xff;
}

/** True for most ranges, at the cost of a look at one byte. */
function isBelowReserved({ last }: AddressRange): boolean {
  return (last.bytes[0] ?? 0) < (last.family === 4 ? 0xe0 : 0xff);
}

function withoutReserved(range: AddressRange): readonly AddressRange[] {
  let left: readonly AddressRange[] = [range];
  for (const reserved of RESERVED) left = left.flatMap((one) => difference(one, reserved));
  return left;
}

function difference(range: AddressRange, hole: AddressRange): readonly AddressRange[] {
  const { first, last } = range;
  const isApart =
    first.family !== hole.first.family ||
    compareAddresses(last, hole.first) < 0 ||
    compareAddresses(first, hole.last) > 0;
  if (isApart) return [range];
  const parts: AddressRange[] = [];
  if (compareAddresses(first, hole.first) < 0) parts.push({ first, last: step(hole.first, -1) });
  if (compareAddresses(last, hole.last) > 0) parts.push({ first: step(hole.last, 1), last });
  return parts;
}

/** The neighbour of an address that is neither the first nor the last of its family in that direction. */
function step(address: Address, by: 1 | -1): Address {
  const bytes = Uint8Array.from(address.bytes);
  for (let i = bytes.length - 1; i >= 0; i--) {
    const before = bytes[i] ?? 0;
    bytes[i] = before + by;
    if (before !== (by === 1 ? 0xff : 0)) break;
  }
  return { family: address.family, bytes };
}

function rangeOf(firstText: string, lastText: string): AddressRange {
  const family: AddressFamily = firstText.includes(':') ? 6 : 4;
  const whole = wholeFamily(family);
  return { first: parseAddress(firstText) ?? whole.first, last: parseAddress(lastText) ?? whole.last };
}
