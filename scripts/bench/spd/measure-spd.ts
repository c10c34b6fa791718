// `npm run bench -- spd`, from the measurements to the report.

import { writeFile } from 'node:fs/promises';
import { describeHost } from '../machine.ts';
import { renderSpdChart } from './chart.ts';
import { checkReport } from './checks.ts';
import { measureMemoryPerSa } from './memory-per-sa.ts';
import type { SpdOptions } from './options.ts';
import type { SpdReport } from './results.ts';
import { measureCurves } from './run-spd.ts';
import { formatSpdReport } from './table.ts';

const PAIRS_FOR_MEMORY = 50_000;

/** Prints the report to standard output. @param say told what happens meanwhile */
export async function measureSpd(options: SpdOptions, say: (line: string) => void): Promise<void> {
  const machine = describeHost(process.version, options.runs);
  say(`measuring the memory of ${2 * PAIRS_FOR_MEMORY} SAs`);
  const memory = await measureMemoryPerSa(PAIRS_FOR_MEMORY);
  const results = await measureCurves(options.runs, say);
  const report: SpdReport = { machine, results, memory, checks: checkReport(results, memory) };
  if (options.svg !== undefined) {
    await writeFile(options.svg, renderSpdChart(report));
    say(`chart: ${options.svg}`);
  }
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : formatSpdReport(report));
}
