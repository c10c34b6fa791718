// The two faces of the report of `npm run bench -- spd`.

import { describe, expect, it } from 'vitest';
import { renderSpdChart } from '../../../scripts/bench/spd/chart.ts';
import { checkReport } from '../../../scripts/bench/spd/checks.ts';
import type { SpdReport } from '../../../scripts/bench/spd/results.ts';
import { formatSpdReport } from '../../../scripts/bench/spd/table.ts';
import { spdResults } from '../../support/spd-results.ts';

const results = spdResults(({ curve, policies, sas, scope }) => {
  const nsOfScope = scope === 'path' ? 200 : 100;
  return curve === 'new' ? nsOfScope * Math.log10(10 * policies) : nsOfScope + (curve === 'spread' ? sas : 0);
});
const memory = { bytesPerSa: 939.4, sas: 100_000 };
const report: SpdReport = {
  machine: {
    cpuModel: 'Some CPU <fast>',
    cores: 2,
    memoryGiB: 8,
    kernel: '6.1.0',
    distribution: 'Debian',
    node: 'v20.20.2',
    date: '2026-11-21T00:00:00.000Z',
    runs: 3,
  },
  results,
  memory,
  checks: checkReport(results, memory),
};

describe('formatSpdReport', () => {
  const text = formatSpdReport(report);
  const blockOf = (title: string): string[] => text.slice(text.indexOf(title)).split('\n\n')[0]!.split('\n');

  it('has a line per curve and a column per size', () => {
    const block = blockOf('inbound, the decision, over the number of policies');
    expect(block[1]?.trim().split(/ {3,}/)).toEqual(['10', '100', '1 000', '10 000']);
    expect(block[2]).toMatch(/^repeated flow( +100 \(98–102\)){4}$/);
    expect(block[4]).toMatch(/^new flow +200 \(196–204\) +300 \(.*\) +400 \(.*\) +500 \(490–510\)$/);
  });

  it('says what stays while something grows', () => {
    expect(text).toContain('over the number of policies (10 000 SAs in each direction, shared out');
    expect(text).toContain('over the number of SAs (100 000 policies)');
  });

  it('ends with what was asked and whether it holds', () => {
    expect(text).toContain('939 bytes, of 100 000 SAs');
    const last = text.trimEnd().split('\n\n').at(-1)!.split('\n');
    expect(last).toHaveLength(report.checks.length);
    for (const line of last) expect(line).toMatch(/^holds: /);
    expect(last[4]).toContain('100 ns per tenfold (R² 1.00); 2.50 times from 10 to 10000, a list 1000 times');
  });

  it('says it plainly where something does not hold', () => {
    const checks = checkReport(results, { ...memory, bytesPerSa: 2000 });
    expect(formatSpdReport({ ...report, checks })).toContain('DOES NOT HOLD: memory of an SA');
  });
});

describe('renderSpdChart', () => {
  const svg = renderSpdChart(report);

  it('is well-formed, and text is escaped', () => {
    const open: string[] = [];
    for (const [, slash, name = '', selfClosing] of svg.matchAll(/<(\/?)(\w+)[^<>]*?(\/?)>/g)) {
      if (slash === '/') expect(open.pop()).toBe(name);
      else if (selfClosing === '') open.push(name);
    }
    expect(open).toEqual([]);
    expect(svg).toContain('Some CPU &lt;fast&gt;');
    expect(svg).not.toContain('NaN');
  });

  const polylines = [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points = '']) =>
    points.split(' ').map((pair) => pair.split(',').map(Number)),
  );

  it('has a curve for each axis, direction, kind of flow and scope, with a point for each size', () => {
    expect(polylines).toHaveLength(2 * 2 * 3 * 2);
    expect(polylines.map(({ length }) => length).sort()).toEqual([...Array<number>(12).fill(3), ...Array<number>(12).fill(4)]); // prettier-ignore
  });

  it('draws sizes that grow tenfold at equal distances, and equal costs at one height', () => {
    const [first, second, third, fourth] = polylines[0]!;
    expect(second![0]! - first![0]!).toBeCloseTo(third![0]! - second![0]!, 0);
    expect(fourth![0]! - third![0]!).toBeCloseTo(third![0]! - second![0]!, 0);
    expect(new Set(polylines[0]!.map(([, y]) => y)).size).toBe(1);
  });

  it('draws what costs more further up', () => {
    const growing = polylines[4]!.map(([, y]) => y!);
    expect(growing).toEqual([...growing].sort((a, b) => b - a));
    expect(growing[3]).toBeLessThan(growing[0]!);
  });
});
