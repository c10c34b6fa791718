// The report as text: for each test one block, with a line per peer and a column per state of the offloads.

import type { Machine } from './machine.ts';
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

const COLUMN_GAP = '   ';

export function formatTable({ machine, results }: BenchReport): string {
  const blocks = TEST_NAMES.map((test) => formatBlock(test, results)).filter((block) => block !== undefined);
  return [describeRun(machine), ...blocks, ''].join('\n\n').trimEnd() + '\n';
}

function describeRun(machine: Machine): string {
  return [
    `${machine.cpuModel}, ${machine.cores} cores; Linux ${machine.kernel}; ${machine.distribution}`,
    `Node ${machine.node}; iperf3 ${machine.iperf3}; TCP with ${machine.congestionControl}; ${machine.date}`,
    `median of ${machine.runs} runs of ${machine.secondsPerRun} s (minimum–maximum)`,
  ].join('\n');
}

function formatBlock(test: TestName, results: readonly BenchResult[]): string | undefined {
  const ofTest = results.filter((result) => result.test === test);
  if (ofTest.length === 0) return undefined;
  const states = (['on', 'off'] as const).filter((state) =>
    ofTest.some(({ offloads }) => offloads === state),
  );
  const peers = [...new Set(ofTest.map(({ peer }) => peer))];
  const better = LESS_IS_BETTER.has(test) ? 'less is better' : 'more is better';
  const heading = ['', ...states.map((state) => `WAN offloads ${state}`)];
  const lines = peers.map((peer) => [peer, ...states.map((state) => formatCell(peer, state, ofTest))]);
  return [
    `${TEST_TITLES[test]} [${test}], ${TEST_UNITS[test]}, ${better}`,
    ...align([heading, ...lines]),
  ].join('\n');
}

function formatCell(peer: string, state: Offloads, results: readonly BenchResult[]): string {
  const result = results.find((candidate) => candidate.peer === peer && candidate.offloads === state);
  if (result === undefined) return '–';
  return `${formatFigure(result.median)} (${formatFigure(result.min)}–${formatFigure(result.max)})`;
}

/** Thousands in groups: 12 920; small figures as they are: 4.31. */
export function formatFigure(value: number): string {
  if (value < 999.5) return String(Number(value.toPrecision(3)));
  return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** The first column to the left, the others to the right. */
export function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join(COLUMN_GAP)
      .trimEnd(),
  );
}
