// The ring of RFC 6479 against a set of every number ever taken.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReplayBitmaps, Replay, ReplayWindow } from '../../src/sad/replay-window.ts';
import { SaStates } from '../../src/sad/sa-state.ts';

test('any sequence of numbers is judged as a set judges it', () => {
  const step = fc.oneof(fc.integer({ min: -80, max: 80 }), fc.integer({ min: -9000, max: 9000 }));
  fc.assert(
    fc.property(
      fc.constantFrom(32, 64, 96, 1024),
      fc.integer({ min: 1, max: 2 ** 40 }),
      fc.array(step, { maxLength: 300 }),
      (packets, start, steps) => {
        const window = new ReplayWindow(packets, new ReplayBitmaps().take(packets), new SaStates().take(0));
        const taken = new Set<number>();
        let right = 0;
        let number = start;
        for (const delta of steps) {
          number = Math.max(1, number + delta);
          let expected: Replay = Replay.fresh;
          if (number + packets <= right) expected = Replay.tooOld;
          else if (taken.has(number)) expected = Replay.seen;
          expect(window.check(number)).toBe(expected);
          expect(window.accept(number)).toBe(expected);
          if (expected === Replay.fresh) taken.add(number);
          right = Math.max(right, ...(expected === Replay.fresh ? [number] : []));
        }
      },
    ),
  );
});
