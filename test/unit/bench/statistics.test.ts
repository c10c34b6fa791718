import { describe, expect, it } from 'vitest';
import { type Machine } from '../../../scripts/bench/machine.ts';
import { type BenchReport, ResultTable } from '../../../scripts/bench/results.ts';
import { median, summarize } from '../../../scripts/bench/statistics.ts';

describe('median', () => {
  it('sorts by number, not by text', () => {
    expect(median([100, 9, 20])).toBe(20);
  });

  it('is the mean of the two middle ones of an even number', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it('refuses no values', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('summarize', () => {
  it('keeps the order of the runs and four digits', () => {
    expect(summarize([12_345.678, 9876.54, 11_111.1])).toEqual({
      median: 11_110,
      min: 9877,
      max: 12_350,
      runs: [12_350, 9877, 11_110],
    });
  });
});

describe('ResultTable', () => {
  it('joins the runs of one peer, test and state, however they are interleaved', () => {
    const table = new ResultTable();
    table.add('plain', 'Linux 6', 'tcp1', 'on', 10);
    table.add('openvpn', '2.6', 'tcp1', 'on', 1);
    table.add('plain', 'Linux 6', 'tcp1', 'on', 30);
    table.add('plain', 'Linux 6', 'tcp1', 'off', 5);
    table.add('plain', 'Linux 6', 'tcp1', 'on', 20);
    const results = table.summarize(summarize);
    expect(results[0]).toEqual({
      peer: 'plain',
      version: 'Linux 6',
      test: 'tcp1',
      offloads: 'on',
      unit: 'Mbit/s',
      median: 20,
      min: 10,
      max: 30,
      runs: [10, 30, 20],
    });
    expect(results.map(({ peer, offloads, runs }) => [peer, offloads, runs.length])).toEqual([
      ['plain', 'on', 3],
      ['openvpn', 'on', 1],
      ['plain', 'off', 1],
    ]);
  });

  it('makes a report that survives JSON', () => {
    const table = new ResultTable();
    table.add('openvpn', '2.6', 'cpu', 'off', 17.25);
    const report: BenchReport = { machine: {} as Machine, results: table.summarize(summarize) };
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(report.results[0]?.unit).toBe('s/GB');
  });
});
