import { expect, test } from 'vitest';
import { SharedRows } from '../../../src/sad/shared-rows.ts';

test('many rows share a buffer, and no two rows a byte', () => {
  const rows = new SharedRows<Float64Array<SharedArrayBuffer>>(Float64Array, 20);
  const taken = Array.from({ length: 2000 }, () => rows.take());
  taken.forEach((row, i) => row.fill(i));
  expect(taken.every((row, i) => row.length === 20 && row.every((cell) => cell === i))).toBe(true);
  expect(new Set(taken.map(({ buffer }) => buffer)).size).toBeLessThan(10);
});

test('a row that was released comes back as zeros', () => {
  const rows = new SharedRows<Int32Array<SharedArrayBuffer>>(Int32Array, 4);
  const row = rows.take();
  row.fill(-1);
  rows.release(row);
  expect([...rows.take()]).toEqual([0, 0, 0, 0]);
});

test('a row longer than a chunk has a chunk of its own', () => {
  const rows = new SharedRows<Int32Array<SharedArrayBuffer>>(Int32Array, 1 << 16);
  expect(rows.take().length).toBe(1 << 16);
});
