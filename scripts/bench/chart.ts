// The report as an SVG: one panel per test, one bar per peer and state of the offloads, a line from the lowest to
// the highest run. Scales come from d3-scale; the rest of SVG that is needed here is rectangles, lines and text.

import { scaleBand, scaleLinear } from 'd3-scale';
import {
  type BenchReport,
  type BenchResult,
  LESS_IS_BETTER,
  type Offloads,
  TEST_NAMES,
  TEST_TITLES,
  TEST_UNITS,
  type TestName,
} from './results.ts';
import { line, round, text } from './svg.ts';
import { formatFigure } from './table.ts';

const COLUMNS = 2;
const PANEL_WIDTH = 560;
const LABEL_WIDTH = 170;
/** For the figure behind the longest bar. */
const FIGURE_WIDTH = 70;
const ROW_HEIGHT = 30;
const PANEL_HEAD = 44;
const PANEL_FOOT = 30;
const PAGE_HEAD = 64;
const COLOURS: Readonly<Record<Offloads, string>> = { on: '#1f6fb2', off: '#e08a2c' };

export function renderChart({ machine, results }: BenchReport): string {
  const tests = TEST_NAMES.filter((test) => results.some((result) => result.test === test));
  const panelHeight =
    PANEL_HEAD + PANEL_FOOT + ROW_HEIGHT * Math.max(1, ...tests.map((test) => peersOf(test, results).length));
  const width = COLUMNS * PANEL_WIDTH;
  const height = PAGE_HEAD + panelHeight * Math.ceil(tests.length / COLUMNS);
  const panels = tests.map((test, index) => {
    const x = (index % COLUMNS) * PANEL_WIDTH;
    const y = PAGE_HEAD + Math.floor(index / COLUMNS) * panelHeight;
    return `<g transform="translate(${x} ${y})">${renderPanel(test, results)}</g>`;
  });
  const caption = `${machine.cpuModel}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${machine.node}; median of ${machine.runs} runs of ${machine.secondsPerRun} s; ${machine.date.slice(0, 10)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(16, 24, caption, 'font-size="13"'),
    legend(16, 46),
    ...panels,
    '</svg>\n',
  ].join('\n');
}

function peersOf(test: TestName, results: readonly BenchResult[]): string[] {
  return [...new Set(results.filter((result) => result.test === test).map(({ peer }) => peer))];
}

function renderPanel(test: TestName, results: readonly BenchResult[]): string {
  const ofTest = results.filter((result) => result.test === test);
  const peers = peersOf(test, results);
  const bottom = PANEL_HEAD + peers.length * ROW_HEIGHT;
  const x = scaleLinear(
    [0, Math.max(...ofTest.map(({ max }) => max)) || 1],
    [LABEL_WIDTH, PANEL_WIDTH - FIGURE_WIDTH],
  );
  const rows = scaleBand(peers, [PANEL_HEAD, bottom]).padding(0.15);
  const bars = scaleBand(['on', 'off'], [0, rows.bandwidth()]);
  const better = LESS_IS_BETTER.has(test) ? 'less is better' : 'more is better';
  return [
    text(16, 24, `${TEST_TITLES[test]} (${TEST_UNITS[test]}, ${better})`, 'font-weight="bold"'),
    ...x
      .ticks(4)
      .flatMap((tick) => [
        line(x(tick), PANEL_HEAD, x(tick), bottom, '#dddddd'),
        text(x(tick), bottom + 14, formatFigure(tick), 'fill="#666666" font-size="10" text-anchor="middle"'),
      ]),
    ...peers.map((peer) =>
      text(LABEL_WIDTH - 8, (rows(peer) ?? 0) + rows.bandwidth() / 2 + 4, peer, 'text-anchor="end"'),
    ),
    ...ofTest.map((result) => {
      const top = (rows(result.peer) ?? 0) + (bars(result.offloads) ?? 0);
      return renderBar(result, x, top, bars.bandwidth());
    }),
  ].join('\n');
}

function renderBar(result: BenchResult, x: (value: number) => number, top: number, height: number): string {
  const middle = top + height / 2;
  const colour = COLOURS[result.offloads];
  return [
    `<rect x="${x(0)}" y="${round(top)}" width="${round(x(result.median) - x(0))}" height="${round(height - 1)}" fill="${colour}"/>`,
    line(x(result.min), middle, x(result.max), middle, '#222222'),
    text(x(result.max) + 5, middle + 3.5, formatFigure(result.median), 'font-size="10"'),
  ].join('');
}

function legend(x: number, y: number): string {
  return (['on', 'off'] as const)
    .map((state, index) => {
      const left = x + index * 200;
      const box = `<rect x="${left}" y="${y - 10}" width="12" height="12" fill="${COLOURS[state]}"/>`;
      return box + text(left + 18, y, `WAN link's offloads ${state}`, '');
    })
    .join('');
}
