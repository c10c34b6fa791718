// The search for the highest rate, against imagined peers whose limit is known.

import { describe, expect, it } from 'vitest';
import { highestRate, type TrialOutcome } from '../../../scripts/bench/bisection.ts';

/** Passes `limit` packets per second and drops the rest. */
function peerWithLimit(limit: number): (rate: number) => Promise<TrialOutcome> {
  return (rate) => Promise.resolve({ offeredPerSecond: rate, loss: Math.max(0, 1 - limit / rate) });
}

describe('highestRate', () => {
  it.each([500, 12_345, 99_000, 180_000])('finds a limit of %d packets/s', async (limit) => {
    const found = await highestRate(peerWithLimit(limit), 200_000);
    // 0.5 % loss is allowed, so slightly more than the limit passes.
    expect(found).toBeGreaterThan(limit * 0.96);
    expect(found).toBeLessThanOrEqual(limit / 0.995);
  });

  it('takes the ceiling where nothing is lost at all, in one trial', async () => {
    let trials = 0;
    const found = await highestRate((rate) => {
      trials++;
      return Promise.resolve({ offeredPerSecond: rate, loss: 0.005 });
    }, 150_000);
    expect(found).toBe(150_000);
    expect(trials).toBe(1);
  });

  it('gives 0 for a peer that passes nothing', async () => {
    expect(await highestRate((rate) => Promise.resolve({ offeredPerSecond: rate, loss: 1 }), 100_000)).toBe(
      0,
    );
  });

  it('repeats a trial that fails by little, and one that fails by much not', async () => {
    const asked: number[] = [];
    const found = await highestRate((rate) => {
      asked.push(rate);
      const isFirst = asked.filter((earlier) => earlier === rate).length === 1;
      const stall = isFirst && rate === 50_000 ? 0.02 : 0;
      return Promise.resolve({ offeredPerSecond: rate, loss: rate > 60_000 ? 0.5 : stall });
    }, 100_000);
    expect(asked.filter((rate) => rate === 50_000)).toHaveLength(2);
    expect(asked.filter((rate) => rate === 100_000)).toHaveLength(1);
    expect(found).toBeGreaterThan(57_000);
  });

  it('reports what was really offered, and stops where the generator can offer no more', async () => {
    let trials = 0;
    const found = await highestRate((rate) => {
      trials++;
      return Promise.resolve({ offeredPerSecond: Math.min(rate, 40_000), loss: rate > 150_000 ? 0.5 : 0 });
    }, 200_000);
    expect(found).toBe(40_000);
    expect(trials).toBe(2);
  });
});
