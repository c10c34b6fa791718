// The index of who has which addresses against a list of all that was put into it: ranges of every kind, that overlap, come
// twice and go again.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareAddresses, type Address, type AddressRange } from '../../src/base/address.ts';
import { AddressIndex } from '../../src/ike/address-index.ts';

/** Few of them, so that ranges meet; on both sides of the borders of octets. */
const numbers = fc.oneof(
  fc.constantFrom(0, 0xff, 0x100, 0xffff, 0x1_0000, 0xff_ffff, 0x0100_0000, 0xffff_ffff),
  fc.integer({ min: 0x0a09_0000, max: 0x0a09_0040 }),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);

function addressOf(family: 4 | 6, number: number): Address {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  // In the middle of an IPv6 address.
  new DataView(bytes.buffer).setUint32(family === 4 ? 0 : 6, number);
  return { family, bytes };
}

const ranges: fc.Arbitrary<AddressRange> = fc
  .tuple(fc.constantFrom(4 as const, 6 as const), numbers, fc.oneof(numbers, fc.constant(undefined)))
  .map(([family, one, other]) => {
    const [first, last] = [one, other ?? one].toSorted((a, b) => a - b);
    return { first: addressOf(family, first ?? 0), last: addressOf(family, last ?? 0) };
  });

const steps = fc.array(
  fc.record({ range: ranges, holder: fc.integer({ min: 0, max: 4 }), isGoing: fc.boolean() }),
  { maxLength: 40 },
);

function meet(one: AddressRange, other: AddressRange): boolean {
  return (
    one.first.family === other.first.family &&
    compareAddresses(one.first, other.last) <= 0 &&
    compareAddresses(other.first, one.last) <= 0
  );
}

function isSame(one: AddressRange, other: AddressRange): boolean {
  return (
    one.first.family === other.first.family &&
    compareAddresses(one.first, other.first) === 0 &&
    compareAddresses(one.last, other.last) === 0
  );
}

test('finds whoever has an address of a range, and nobody else', () => {
  fc.assert(
    fc.property(steps, fc.array(ranges, { minLength: 1, maxLength: 8 }), (changes, questions) => {
      const index = new AddressIndex<number>();
      const list: { readonly range: AddressRange; readonly holder: number }[] = [];
      for (const { range, holder, isGoing } of changes) {
        const place = list.findIndex((one) => one.holder === holder && isSame(one.range, range));
        if (isGoing) {
          // Often one that is there.
          const gone = place < 0 ? list[holder % Math.max(1, list.length)] : list[place];
          index.remove(gone?.range ?? range, gone?.holder ?? holder);
          if (gone !== undefined) list.splice(list.indexOf(gone), 1);
          continue;
        }
        index.add(range, holder);
        list.push({ range, holder });
      }
      for (const question of [...questions, ...list.map(({ range }) => range)]) {
        const expected = list.filter(({ range }) => meet(range, question)).map(({ holder }) => holder);
        expect(new Set(index.holding(question))).toEqual(new Set(expected));
      }
    }),
    { numRuns: 500 },
  );
});
