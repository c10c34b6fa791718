// What an SA costs in JavaScript and shared memory, on the main thread and in a worker together, beside its cipher
// context, its keys and its window: at most 1 KiB.

import { expect, test } from 'vitest';
import { measureMemoryPerSa } from '../../scripts/bench/spd/memory-per-sa.ts';

const PAIRS = 10_000;
const LOOKS = 3;

test('an SA takes at most 1 KiB', { timeout: 120_000 }, async () => {
  // What else the process makes meanwhile is measured with it, and can only add: the least of some looks is the nearest.
  let least = Infinity;
  for (let look = 0; look < LOOKS; look++) {
    const { bytesPerSa, sas } = await measureMemoryPerSa(PAIRS);
    expect(sas).toBe(2 * PAIRS);
    // Less would mean that nothing was kept, or not measured.
    expect(bytesPerSa).toBeGreaterThan(300);
    least = Math.min(least, bytesPerSa);
  }
  expect(least).toBeLessThan(1024);
});
