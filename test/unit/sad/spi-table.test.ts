import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_SA, SpiTable } from '../../../src/sad/spi-table.ts';

test('finds what was set, by signed and unsigned SPI', () => {
  const table = new SpiTable();
  table.set(0xfedcba98, 3);
  expect(table.find(0xfedcba98)).toBe(3);
  expect(table.find(0xfedcba98 | 0)).toBe(3);
  expect(table.find(0xfedcba99)).toBe(NO_SA);
});

test('behaves as a Map under any sequence of operations', () => {
  const operation = fc.record({
    spi: fc.integer({ min: 256, max: 280 }),
    slot: fc.option(fc.nat(1000), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
      const table = new SpiTable();
      const map = new Map<number, number>();
      for (const { spi, slot } of operations) {
        if (slot === undefined) {
          table.delete(spi);
          map.delete(spi);
        } else {
          table.set(spi, slot);
          map.set(spi, slot);
        }
      }
      for (let spi = 250; spi < 290; spi++) expect(table.find(spi)).toBe(map.get(spi) ?? NO_SA);
    }),
  );
});

test('holds a hundred thousand SAs', () => {
  const table = new SpiTable();
  for (let slot = 0; slot < 100_000; slot++) table.set(256 + slot * 7, slot);
  for (let slot = 0; slot < 100_000; slot += 997) expect(table.find(256 + slot * 7)).toBe(slot);
});
