// What is asked of the curves of `npm run bench -- spd`.

import { describe, expect, it } from 'vitest';
import { checkReport, fitLogarithm, flatness, logarithmicShare } from '../../../scripts/bench/spd/checks.ts';
import { spdResults } from '../../support/spd-results.ts';

const pointsOf = (costOf: (size: number) => number) =>
  [10, 100, 1000, 10_000].map((size) => ({ size, ns: costOf(size) }));

describe('fitLogarithm', () => {
  it('finds the line it was given', () => {
    const { atOneNs, nsPerTenfold, r2 } = fitLogarithm(pointsOf((size) => 50 + 30 * Math.log10(size)));
    expect(atOneNs).toBeCloseTo(50);
    expect(nsPerTenfold).toBeCloseTo(30);
    expect(r2).toBeCloseTo(1);
  });

  it('says of a list that a logarithm does not explain it', () => {
    expect(fitLogarithm(pointsOf((size) => size)).r2).toBeLessThan(0.7);
  });

  it('takes a curve that does not grow', () => {
    expect(fitLogarithm(pointsOf(() => 40))).toEqual({ atOneNs: 40, nsPerTenfold: 0, r2: 1 });
  });
});

describe('logarithmicShare', () => {
  it('is 1 where every tenfold costs as much as the first size', () => {
    expect(logarithmicShare(pointsOf((size) => 25 * Math.log10(size)))).toBeCloseTo(1);
    expect(logarithmicShare([{ size: 1, ns: 7 }, { size: 1000, ns: 28 }])).toBeCloseTo(1); // prettier-ignore
  });

  it('is less where only a part of the cost grows, and more for a list and for a root', () => {
    expect(logarithmicShare(pointsOf((size) => 100 + Math.log10(size)))).toBeLessThan(1);
    expect(logarithmicShare(pointsOf((size) => size))).toBeGreaterThan(100);
    expect(logarithmicShare(pointsOf((size) => Math.sqrt(size)))).toBeGreaterThan(2);
  });

  it('does not overlook a size in the middle', () => {
    const points = pointsOf((size) => (size === 100 ? 300 : 100));
    expect(logarithmicShare(points)).toBeCloseTo(1.5);
  });
});

describe('flatness', () => {
  it('compares the dearest with the cheapest, wherever they are', () => {
    expect(flatness([{ size: 1, ns: 110 }, { size: 10, ns: 100 }, { size: 100, ns: 105 }])).toBeCloseTo(1.1); // prettier-ignore
  });
});

describe('checkReport', () => {
  const memory = { bytesPerSa: 1000, sas: 100_000 };
  const flat = spdResults(() => 100);

  it('asks for the repeated flow, the new flow and the memory', () => {
    const checks = checkReport(flat, memory);
    expect(checks.map(({ name }) => name)).toEqual([
      'repeated flow, outbound, over policies: the same within 10 %',
      'repeated flow, inbound, over policies: the same within 10 %',
      'repeated flow, outbound, over SAs: the same within 10 %',
      'repeated flow, inbound, over SAs: the same within 10 %',
      'new flow, outbound, over policies: at most logarithmic',
      'new flow, inbound, over policies: at most logarithmic',
      'new flow, outbound, over SAs: at most logarithmic',
      'new flow, inbound, over SAs: at most logarithmic',
      'memory of an SA, at most 1 KiB',
    ]);
    expect(checks.filter(({ holds }) => !holds)).toEqual([]);
  });

  const failing = (results: ReturnType<typeof spdResults>) =>
    checkReport(results, memory)
      .filter(({ holds }) => !holds)
      .map(({ name }) => name);

  it('refuses a repeated flow that grows with the SAs, in either scope, and no other curve for it', () => {
    for (const scope of ['decision', 'path']) {
      const grown = spdResults((one) =>
        one.curve === 'repeated' && one.scope === scope && one.direction === 'inbound' && one.sas === 100_000
          ? 111
          : 100,
      );
      expect(failing(grown)).toEqual(['repeated flow, inbound, over SAs: the same within 10 %']);
    }
  });

  it('refuses a list, but lets flows that are spread over all SAs cost what they cost', () => {
    const list = spdResults(({ curve, policies }) => (curve === 'repeated' ? 100 : policies));
    expect(failing(list)).toEqual([
      'new flow, outbound, over policies: at most logarithmic',
      'new flow, inbound, over policies: at most logarithmic',
    ]);
    expect(failing(spdResults(({ curve, sas }) => (curve === 'spread' ? sas : 100)))).toEqual([]);
  });

  it('compares run by run, so that runs which were disturbed do no harm', () => {
    const runs = [100, 300, 100, 300, 310];
    // Once the disturbance came in the middle of a run: the medians of the sizes differ threefold.
    const disturbed = flat.map((one) => (one.sas === 1000 ? { ...one, median: 300, runs } : { ...one, runs: runs.with(4, 100) })); // prettier-ignore
    expect(failing(disturbed)).toEqual([]);
  });

  it('refuses an SA of more than 1 KiB', () => {
    const checks = checkReport(flat, { ...memory, bytesPerSa: 1025 });
    expect(checks.filter(({ holds }) => !holds).map(({ detail }) => detail)).toEqual([
      '1025 bytes, of 100000 SAs',
    ]);
  });
});
