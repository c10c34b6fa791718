import { expect, it } from 'vitest';
import { BoundedQueue } from '../../../../src/dataplane/portable/bounded-queue.ts';

it('gives back what it took, in order, across the end of its ring', () => {
  const queue = new BoundedQueue<number>(3);
  expect([queue.push(1), queue.push(2)]).toEqual([true, true]);
  expect(queue.shift()).toBe(1);
  expect([queue.push(3), queue.push(4)]).toEqual([true, true]);
  expect(queue.length).toBe(3);
  expect([queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual([2, 3, 4, undefined]);
});

it('refuses what does not fit', () => {
  const queue = new BoundedQueue<number>(1);
  expect([queue.push(1), queue.push(2)]).toEqual([true, false]);
  expect([queue.shift(), queue.shift()]).toEqual([1, undefined]);
});
