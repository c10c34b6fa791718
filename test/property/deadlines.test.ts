// The heap of deadlines against a sorted list.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Deadlines } from '../../src/dataplane/deadlines.ts';

test('deadlines come out in their order, none before its time', () => {
  const step = fc.record({
    add: fc.array(fc.integer({ min: 0, max: 1000 })),
    passMs: fc.integer({ min: 0, max: 100 }),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const deadlines = new Deadlines();
      let waiting: number[] = [];
      let nowMs = 0;
      for (const { add, passMs } of steps) {
        for (const atMs of add) deadlines.add({ atMs, direction: 'inbound', sa: { slot: 0, id: 0 } });
        waiting = [...waiting, ...add].toSorted((a, b) => a - b);
        nowMs += passMs;
        const due: number[] = [];
        for (let one = deadlines.takeDue(nowMs); one !== undefined; one = deadlines.takeDue(nowMs))
          due.push(one.atMs);
        expect(due).toEqual(waiting.filter((atMs) => atMs <= nowMs));
        waiting = waiting.filter((atMs) => atMs > nowMs);
        expect(deadlines.nextMs).toBe(waiting[0] ?? Infinity);
      }
    }),
  );
});

test('no limit is no deadline', () => {
  const deadlines = new Deadlines();
  deadlines.add({ atMs: Infinity, direction: 'inbound', sa: { slot: 0, id: 0 } });
  expect([deadlines.nextMs, deadlines.takeDue(Infinity)]).toEqual([Infinity, undefined]);
});
