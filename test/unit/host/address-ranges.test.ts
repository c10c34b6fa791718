// Sets of addresses against the plain sets of their members.

import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { AddressRange } from '../../../src/base/address.ts';
import { intersectRanges, mergeRanges } from '../../../src/host/address-ranges.ts';

const END = 24;
const range = fc
  .tuple(fc.integer({ min: 0, max: END }), fc.integer({ min: 0, max: END }))
  .map(([a, b]): AddressRange => ({ first: address(Math.min(a, b)), last: address(Math.max(a, b)) }));
const ranges = fc.array(range, { maxLength: 5 });

/** Around the end of the family and around a carry, where arithmetic goes wrong. */
function address(value: number): AddressRange['first'] {
  const number = value <= END / 2 ? 0x0a0000ff - END / 4 + value : 0xffffffff - END + value;
  const bytes = Uint8Array.of(number >>> 24, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff);
  return { family: 4, bytes };
}

const members = (list: readonly AddressRange[]): Set<number> => {
  const number = ({ bytes }: { bytes: Uint8Array }): number => Buffer.from(bytes).readUInt32BE();
  const found = new Set<number>();
  for (let value = 0; value <= END; value++) {
    const one = number(address(value));
    if (list.some(({ first, last }) => number(first) <= one && one <= number(last))) found.add(one);
  }
  return found;
};

test('merging keeps the members, in ranges that rise and do not touch', () => {
  fc.assert(
    fc.property(ranges, (list) => {
      const merged = mergeRanges(list);
      expect(members(merged)).toEqual(members(list));
      expect(mergeRanges(merged)).toEqual(merged);
      expect(merged.length).toBeLessThanOrEqual(list.length);
    }),
  );
});

test('ranges that touch become one, at the end of the family too', () => {
  const one = (value: number): AddressRange => ({ first: address(value), last: address(value) });
  expect(mergeRanges([one(END), one(END - 1)])).toEqual([{ first: address(END - 1), last: address(END) }]);
  expect(mergeRanges([one(END), one(END)])).toEqual([one(END)]);
});

test('an intersection holds what both hold', () => {
  fc.assert(
    fc.property(ranges, ranges, (some, others) => {
      const both = [...members(some)].filter((value) => members(others).has(value));
      expect(members(intersectRanges(some, others))).toEqual(new Set(both));
    }),
  );
});
