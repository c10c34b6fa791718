// The addresses at which ranges of any policy begin, or have just ended, in order. The rank of an address is how many
// of them are not above it: all addresses of one rank are alike to every policy, so the classifier compares ranks only.

import type { AddressFamily, AddressRange } from '../base/address.ts';
import type { Flow } from './flow.ts';
import { compareIpv6, orderedWords } from './selector-match.ts';

/** Sorted rows of one word for IPv4, four for IPv6, as orderedWords gives them. */
export type AddressRanks = Int32Array<SharedArrayBuffer>;

const SIGN = 1 << 31;

export function buildAddressRanks(family: AddressFamily, ranges: readonly AddressRange[]): AddressRanks {
  const words = family === 4 ? 1 : 4;
  const all = new Int32Array(2 * words * ranges.length);
  let length = 0;
  for (const range of ranges) {
    all.set(orderedWords(range.first), length);
    length += words;
    all.set(orderedWords(range.last), length);
    if (increment(all, length, words)) length += words;
  }
  const rows = all.subarray(0, length);
  const sorted = words === 1 ? rows.sort() : sortRows(rows, words);
  let end = 0;
  for (let at = 0; at < length; at += words) {
    if (at > 0 && compareRows(sorted, at, sorted, end - words, words) === 0) continue;
    sorted.copyWithin(end, at, at + words);
    end += words;
  }
  const ranks = new Int32Array(new SharedArrayBuffer(4 * end));
  ranks.set(sorted.subarray(0, end));
  return ranks;
}

/** Ranks of the first and the last address of a range whose ends are among the rows. */
export function rankRange(ranks: AddressRanks, range: AddressRange): { first: number; last: number } {
  return {
    first: rankOfRow(ranks, orderedWords(range.first)),
    last: rankOfRow(ranks, orderedWords(range.last)),
  };
}

/** Rank of the address at `addressWord` of a flow. */
export function rankOfFlow(ranks: AddressRanks, family: number, flow: Flow, addressWord: number): number {
  if (family === 4) return rankOfIpv4(ranks, flow[addressWord]! ^ SIGN);
  let low = 0;
  let high = ranks.length >>> 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareIpv6(flow, addressWord, ranks, middle << 2) >= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function rankOfIpv4(ranks: AddressRanks, ordered: number): number {
  let low = 0;
  let high = ranks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranks[middle]! <= ordered) low = middle + 1;
    else high = middle;
  }
  return low;
}

function rankOfRow(ranks: AddressRanks, row: ArrayLike<number>): number {
  const words = row.length;
  let low = 0;
  let high = ranks.length / words;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareRows(ranks, middle * words, row, 0, words) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sortRows(rows: Int32Array, words: number): Int32Array {
  const order = Array.from({ length: rows.length / words }, (_, row) => row * words);
  order.sort((a, b) => compareRows(rows, a, rows, b, words));
  const sorted = new Int32Array(rows.length);
  order.forEach((from, row) => {
    for (let i = 0; i < words; i++) sorted[row * words + i] = rows[from + i]!;
  });
  return sorted;
}

function compareRows(
  a: ArrayLike<number>,
  aAt: number,
  b: ArrayLike<number>,
  bAt: number,
  words: number,
): number {
  for (let i = 0; i < words; i++) {
    const one = a[aAt + i]!;
    const other = b[bAt + i]!;
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}

/** Makes the address behind of a row. @returns false behind the last one */
function increment(rows: Int32Array, at: number, words: number): boolean {
  for (let i = at + words - 1; i >= at; i--) {
    const word = ((rows[i]! ^ SIGN) + 1) | 0;
    rows[i] = word ^ SIGN;
    if (word !== 0) return true;
  }
  return false;
}
