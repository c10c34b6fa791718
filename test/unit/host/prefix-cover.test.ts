import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  parseAddress,
  prefixRange,
  wholeFamily,
  type Address,
  type AddressRange,
} from '../../../src/base/address.ts';
import { coverRange, formatPrefix } from '../../../src/host/prefix-cover.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

const cover = (first: string, last: string): string[] =>
  coverRange({ first: address(first), last: address(last) }).map(formatPrefix);

test.each([
  ['10.0.1.0', '10.0.1.255', ['10.0.1.0/24']],
  ['10.0.1.7', '10.0.1.7', ['10.0.1.7/32']],
  ['10.0.0.1', '10.0.0.6', ['10.0.0.1/32', '10.0.0.2/31', '10.0.0.4/31', '10.0.0.6/32']],
  ['255.255.255.254', '255.255.255.255', ['255.255.255.254/31']],
  ['fd00::', 'fd00::1:ffff', ['fd00::/111']],
  ['::1', '::2', ['::1/128', '::2/128']],
])('%s - %s', (first, last, expected) => {
  expect(cover(first, last)).toEqual(expected);
});

test('a whole family is one prefix', () => {
  expect(coverRange(wholeFamily(4)).map(formatPrefix)).toEqual(['0.0.0.0/0']);
  expect(coverRange(wholeFamily(6)).map(formatPrefix)).toEqual(['::/0']);
});

test('the worst range takes 2 × 32 - 2 prefixes', () => {
  expect(cover('0.0.0.1', '255.255.255.254')).toHaveLength(62);
});

const number = (value: Address): bigint => BigInt(`0x${Buffer.from(value.bytes).toString('hex')}`);

describe('any range', () => {
  const range = (size: 4 | 16): fc.Arbitrary<AddressRange> =>
    fc
      .tuple(fc.uint8Array({ minLength: size, maxLength: size }), fc.bigInt(0n, 2n ** BigInt(4 * size)))
      .map(([bytes, extent]) => {
        const family = size === 4 ? 4 : 6;
        const first: Address = { family, bytes };
        const most = 2n ** BigInt(8 * size) - 1n;
        const last = number(first) + extent > most ? most : number(first) + extent;
        const hex = last.toString(16).padStart(2 * size, '0');
        return { first, last: { family, bytes: Uint8Array.from(Buffer.from(hex, 'hex')) } };
      });

  test('is covered without gap or overlap, and no two neighbours could be one', () => {
    fc.assert(
      fc.property(fc.oneof(range(4), range(16)), (whole) => {
        const pieces = coverRange(whole).map((prefix) => prefixRange(prefix.address, prefix.bits));
        const bounds = pieces.map((piece) => ({ start: number(piece.first), end: number(piece.last) + 1n }));
        expect(bounds.map(({ start }) => start)).toEqual([
          number(whole.first),
          ...bounds.slice(0, -1).map(({ end }) => end),
        ]);
        expect(bounds.at(-1)?.end).toBe(number(whole.last) + 1n);
        const joinable = bounds.some(({ start, end }, index) => {
          const next = bounds[index + 1];
          const size = end - start;
          return next !== undefined && next.end - next.start === size && start % (2n * size) === 0n;
        });
        expect(joinable).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});
