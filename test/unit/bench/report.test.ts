// The two faces of a report for people: the table and the chart.

import { describe, expect, it } from 'vitest';
import { renderChart } from '../../../scripts/bench/chart.ts';
import { type BenchReport, ResultTable } from '../../../scripts/bench/results.ts';
import { summarize } from '../../../scripts/bench/statistics.ts';
import { formatFigure, formatTable } from '../../../scripts/bench/table.ts';

const machine: BenchReport['machine'] = {
  cpuModel: 'Some CPU <fast> & "new"',
  cores: 2,
  memoryGiB: 8,
  kernel: '6.1.0',
  distribution: 'Debian',
  node: 'v20.20.2',
  iperf3: '3.12',
  congestionControl: 'cubic',
  udpGenerator: 'sendmmsg',
  date: '2026-11-21T00:00:00.000Z',
  runs: 3,
  secondsPerRun: 5,
};

function report(): BenchReport {
  const table = new ResultTable();
  for (const figure of [12_000, 13_000, 12_500]) table.add('plain', '6.1', 'tcp1', 'on', figure);
  for (const figure of [3000, 3100, 2900]) table.add('plain', '6.1', 'tcp1', 'off', figure);
  for (const figure of [600, 650, 640]) table.add('openvpn', '2.6', 'tcp1', 'on', figure);
  for (const figure of [0.18, 0.2, 0.19]) table.add('openvpn', '2.6', 'ping', 'on', figure);
  return { machine, results: table.summarize(summarize) };
}

describe('formatFigure', () => {
  it.each([
    [12_920, '12 920'],
    [1_234_567, '1 234 567'],
    [999.6, '1 000'],
    [999.4, '999'],
    [0.0446, '0.0446'],
    [4.314, '4.31'],
    [0, '0'],
  ])('writes %d as %s', (value, text) => {
    expect(formatFigure(value)).toBe(text);
  });
});

describe('formatTable', () => {
  const lines = formatTable(report()).split('\n');

  it('names what sent', () => {
    expect(lines[1]).toBe('Node v20.20.2; iperf3 3.12; TCP with cubic; 2026-11-21T00:00:00.000Z');
  });

  it('has a block per test with a line per peer, medians and spreads', () => {
    expect(lines.find((line) => line.startsWith('plain'))).toMatch(
      /^plain +12 500 \(12 000–13 000\) +3 000 \(2 900–3 100\)$/,
    );
  });

  it('shows what was not measured as a dash', () => {
    expect(lines.find((line) => line.startsWith('openvpn'))).toMatch(/^openvpn +640 \(600–650\) +–$/);
  });

  it('leaves out tests and states without a figure', () => {
    const text = lines.join('\n');
    expect(text).not.toContain('udp64');
    const ping = text.slice(text.indexOf('[ping]'));
    expect(ping).toContain('WAN offloads on');
    expect(ping).not.toContain('WAN offloads off');
  });
});

describe('renderChart', () => {
  const svg = renderChart(report());

  it('is well-formed: every tag that opens closes, and text is escaped', () => {
    const open: string[] = [];
    for (const [, slash, name = '', selfClosing] of svg.matchAll(/<(\/?)(\w+)[^<>]*?(\/?)>/g)) {
      if (slash === '/') expect(open.pop()).toBe(name);
      else if (selfClosing === '') open.push(name);
    }
    expect(open).toEqual([]);
    expect(svg).toContain('Some CPU &lt;fast&gt; &amp; "new"');
  });

  it('draws bars whose lengths are as the medians', () => {
    const widths = [...svg.matchAll(/<rect x="170" y="[\d.]+" width="([\d.]+)"/g)].map(([, width]) =>
      Number(width),
    );
    const [plainOn = 0, plainOff = 0, openvpnOn = 0, ping = 0] = widths;
    expect(widths).toHaveLength(4);
    expect(plainOn / plainOff).toBeCloseTo(12_500 / 3000, 1);
    expect(openvpnOn / plainOn).toBeCloseTo(640 / 12_500, 2);
    // Each test has a scale of its own.
    expect(ping).toBeGreaterThan(plainOff);
  });

  it('names every peer and test', () => {
    for (const name of ['plain', 'openvpn', 'TCP, 1 stream', 'Ping, median round trip'])
      expect(svg).toContain(name);
  });
});
