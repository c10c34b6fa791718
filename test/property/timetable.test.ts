// The timetable of the IKE SAs against a plain map.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Timetable } from '../../src/ike/timetable.ts';

test('whatever was moved or taken away: those that are due come out, the earliest first', () => {
  const atMs = fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 200 }) }, fc.constant(Infinity));
  const step = fc.record({
    owner: fc.nat({ max: 12 }),
    atMs,
    passMs: fc.oneof(fc.constant(0), fc.nat({ max: 20 })),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const timetable = new Timetable<number>();
      const waiting = new Map<number, number>();
      let nowMs = 0;
      for (const { owner, atMs: deadlineMs, passMs } of steps) {
        timetable.set(owner, deadlineMs);
        waiting.delete(owner);
        if (deadlineMs !== Infinity) waiting.set(owner, deadlineMs);
        nowMs += passMs;
        if (passMs === 0) continue;
        const due: number[] = [];
        for (let one = timetable.takeDue(nowMs); one !== undefined; one = timetable.takeDue(nowMs)) {
          due.push(waiting.get(one) ?? NaN);
          waiting.delete(one);
        }
        expect(due).toEqual(due.toSorted((one, other) => one - other));
        expect(Math.min(Infinity, ...waiting.values())).toBeGreaterThan(nowMs);
        expect(timetable.nextMs).toBe(Math.min(Infinity, ...waiting.values()));
      }
    }),
  );
});
