// npm run bench: measures Isthmus and other VPNs, from host to host through two gateways in network namespaces; with
// `spd` the decisions of the data plane, and with `ciphers` its ciphers, in this process; with `ike` handshakes; with `floods` what a tunnel keeps under them.
// The report goes to standard output, what happens meanwhile to standard error.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EnvironmentError } from '../src/base/errors.ts';
import { renderChart } from './bench/chart.ts';
import { measureCiphers } from './bench/ciphers/measure-ciphers.ts';
import { choosePeers } from './bench/choose-peers.ts';
import { findProgram } from './bench/find-program.ts';
import { measureFloods } from './bench/floods/measure-floods.ts';
import { generatorName } from './bench/generator/udp-generator.ts';
import { measureIke } from './bench/ike/measure-ike.ts';
import { installPeers } from './bench/install-peers.ts';
import { describeMachine } from './bench/machine.ts';
import { type BenchOptions, parseBenchRequest } from './bench/options.ts';
import { allPeers } from './bench/peers/all-peers.ts';
import { INSTALL_PEERS } from './bench/peers/peer.ts';
import type { BenchReport } from './bench/results.ts';
import { runProfile } from './bench/profile/run-profile.ts';
import { runBench } from './bench/run-bench.ts';
import { measureSpd } from './bench/spd/measure-spd.ts';
import { summarize } from './bench/statistics.ts';
import { formatTable } from './bench/table.ts';
import { enterSandbox, insideSandbox, leaveSandbox, runInSandbox } from './topology/sandbox.ts';

/** What the measurements themselves need; Debian packages of these names have them. */
const TOOLS = ['iperf3', 'ethtool', 'ping', 'ip'];

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function outside(installs: boolean): Promise<number> {
  if (installs) await installPeers(say);
  const missing = TOOLS.filter((tool) => findProgram(tool) === undefined);
  if (missing.length > 0) {
    throw new EnvironmentError(`${missing.join(', ')} not found; install them with \`${INSTALL_PEERS}\``);
  }
  return runInSandbox();
}

/** @returns 0 where everything that was begun was measured */
async function inside(options: BenchOptions): Promise<number> {
  // The first process of the namespace: its end is the end of every other.
  enterSandbox().addEventListener('abort', () => process.exit(1));
  const directory = join('/run', 'bench');
  await mkdir(directory, { mode: 0o700 });
  if (options.profile) {
    process.stdout.write(await runProfile({ ...options, directory, say }));
    return 0;
  }
  const { chosen, complaints } = await choosePeers(allPeers(options.node, options.workers), options.peers);
  complaints.forEach(say);
  if (chosen.length === 0) throw new EnvironmentError('there is no peer to measure');
  const machine = await describeMachine({
    nodePath: options.node,
    udpGenerator: generatorName(),
    runs: options.runs,
    secondsPerRun: options.seconds,
  });
  const { table, failures } = await runBench({ options, peers: chosen, directory, say });
  const report: BenchReport = { machine, results: table.summarize(summarize) };
  if (options.svg !== undefined) {
    await writeFile(options.svg, renderChart(report));
    say(`chart: ${options.svg}`);
  }
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : formatTable(report));
  complaints.forEach(say);
  for (const failure of failures) say(`failed: ${failure}`);
  return failures.length === 0 ? 0 : 1;
}

const request = parseBenchRequest(process.argv.slice(2));
try {
  if (request.command === 'spd') await measureSpd(request.options, say);
  else if (request.command === 'ciphers') measureCiphers(request.options, say);
  else if (!insideSandbox())
    process.exitCode = await outside(request.command === 'traffic' && request.options.installPeers);
  else if (request.command === 'traffic') process.exitCode = await inside(request.options);
  else {
    enterSandbox().addEventListener('abort', () => process.exit(1));
    if (request.command === 'ike') await measureIke(request.options, say);
    else if (!(await measureFloods(request.options, say))) process.exitCode = 1;
  }
} catch (error) {
  say(`bench: ${error instanceof EnvironmentError ? error.message : String(error)}`);
  process.exitCode = 1;
}
if (insideSandbox()) leaveSandbox();
