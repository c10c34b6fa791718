import { describe, expect, it } from 'vitest';
import { busiestSecond, formatMeasurement, measurement } from '../../../scripts/bench/ike/measurement.ts';
import { parseBenchRequest } from '../../../scripts/bench/options.ts';

describe('a figure of `npm run bench -- ike`', () => {
  it('is one line with unit, spread and how it was measured', () => {
    const one = measurement('handshakes', 'a second', [310, 290, 300], '3 runs');
    expect(formatMeasurement(one)).toBe('handshakes: 300 a second (290 to 310); 3 runs');
  });

  it('has no spread where there was one run', () => {
    expect(formatMeasurement(measurement('rekeys', 'rekeys', [7], 'a day'))).toBe('rekeys: 7 rekeys; a day');
  });
});

describe('the busiest second', () => {
  it('is held against the mean from the first to the last', () => {
    expect(busiestSecond([1000, 1999, 1500, 4000])).toEqual({ most: 3, mean: 1, seconds: 4 });
  });

  it('is none of nothing', () => {
    expect(busiestSecond([])).toEqual({ most: 0, mean: 0, seconds: 0 });
  });
});

describe('the command line', () => {
  it('chooses parts, and shortens', () => {
    const argv = 'ike --parts rekeys,memory --runs 2 --seconds 1 --tunnels 100'.split(' ');
    expect(parseBenchRequest(argv)).toEqual({
      command: 'ike',
      options: { parts: ['rekeys', 'memory'], runs: 2, seconds: 1, tunnels: 100, json: false },
    });
  });

  it('measures everything by default', () => {
    const request = parseBenchRequest(['ike']);
    expect(request.command === 'ike' && request.options.parts).toEqual([
      'handshakes',
      'network',
      'memory',
      'rekeys',
      'first-packet',
      'throughput',
    ]);
  });
});
