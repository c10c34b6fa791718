// Sets of addresses as sorted ranges that neither overlap nor touch: what nftables wants in a set, and what two
// policies have in common.

import { compareAddresses, wholeFamily } from '../base/address.ts';
import type { Address, AddressFamily, AddressRange } from '../base/address.ts';

/** The ranges of one family; undefined, any address, is the whole family. */
export function rangesOfFamily(
  ranges: readonly AddressRange[] | undefined,
  family: AddressFamily,
): readonly AddressRange[] {
  return ranges?.filter((range) => range.first.family === family) ?? [wholeFamily(family)];
}

/** @param ranges all of one family */
export function mergeRanges(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const merged: AddressRange[] = [];
  for (const range of ranges.toSorted((a, b) => compareAddresses(a.first, b.first))) {
    const before = merged.at(-1);
    if (before === undefined || !reaches(before.last, range.first)) merged.push(range);
    else if (compareAddresses(range.last, before.last) > 0)
      merged[merged.length - 1] = { first: before.first, last: range.last };
  }
  return merged;
}

/** What is in both of two lists, all of one family. */
export function intersectRanges(
  some: readonly AddressRange[],
  others: readonly AddressRange[],
): readonly AddressRange[] {
  return mergeRanges(some.flatMap((one) => others.flatMap((other) => intersection(one, other))));
}

/** True where a range is inside another one and smaller. */
export function isStrictlyInside(inner: AddressRange, outer: AddressRange): boolean {
  const first = compareAddresses(outer.first, inner.first);
  const last = compareAddresses(inner.last, outer.last);
  return first <= 0 && last <= 0 && (first < 0 || last < 0);
}

function intersection(one: AddressRange, other: AddressRange): readonly AddressRange[] {
  const first = compareAddresses(one.first, other.first) >= 0 ? one.first : other.first;
  const last = compareAddresses(one.last, other.last) <= 0 ? one.last : other.last;
  return compareAddresses(first, last) <= 0 ? [{ first, last }] : [];
}

/** True where `next` is not beyond the address after `last`. */
function reaches(last: Address, next: Address): boolean {
  const after = successor(last);
  return after === undefined || compareAddresses(next, after) <= 0;
}

/** undefined behind the last address of the family. */
function successor(address: Address): Address | undefined {
  const bytes = Uint8Array.from(address.bytes);
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = ((bytes[i] ?? 0) + 1) & 0xff;
    if (bytes[i] !== 0) return { family: address.family, bytes };
  }
  return undefined;
}
