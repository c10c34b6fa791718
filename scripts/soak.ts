// npm run soak: hours of rekeys, reloads and restarts under traffic, and whether a gateway needs more and more. The report
// goes to standard output as JSON, what happens meanwhile to standard error.

import { mkdir } from 'node:fs/promises';
import { Command } from 'commander';
import { EnvironmentError } from '../src/base/errors.ts';
import { positiveInteger } from './bench/positive-integer.ts';
import { runSoak } from './soak/run-soak.ts';
import { planTopology } from './topology/plan.ts';
import { enterSandbox, insideSandbox, leaveSandbox, runInSandbox } from './topology/sandbox.ts';
import { Topology } from './topology/topology.ts';

const DIRECTORY = '/run/soak';

const program = new Command('npm run soak --')
  .description(
    'two gateways in namespaces: rekeys every few seconds, reloads, restarts; does one of them grow?',
  )
  .option('--minutes <number>', 'how long', positiveInteger, 10);
const { minutes } = program.parse().opts<{ minutes: number }>();

async function inside(): Promise<number> {
  enterSandbox().addEventListener('abort', () => process.exit(1));
  await mkdir(DIRECTORY, { mode: 0o700 });
  const topology = new Topology({ plan: planTopology('router'), prefix: '' });
  await topology.build();
  const say = (line: string): boolean => process.stderr.write(`${line}\n`);
  const report = await runSoak(topology, { minutes, directory: DIRECTORY, say });
  process.stdout.write(`${JSON.stringify(report)}\n`);
  for (const fault of report.faults) say(`fault: ${fault}`);
  return report.faults.length === 0 ? 0 : 1;
}

try {
  process.exitCode = insideSandbox() ? await inside() : await runInSandbox();
} catch (error) {
  process.stderr.write(`soak: ${error instanceof EnvironmentError ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
if (insideSandbox()) leaveSandbox();
