// The order of the measurements. Every peer gets a topology of its own each time, and each run visits all peers
// before the next run begins, so that a drift of the machine meets all of them alike.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { planTopology } from '../topology/plan.ts';
import { Topology } from '../topology/topology.ts';
import type { ChosenPeer } from './choose-peers.ts';
import type { UdpGenerator } from './generator/generator.ts';
import { openUdpGenerator } from './generator/udp-generator.ts';
import { setLinkOffloads } from './link-offloads.ts';
import { stepsFor } from './measure/measure-tests.ts';
import type { Visit } from './measure/visit.ts';
import type { BenchOptions } from './options.ts';
import type { RunningPeer } from './peers/peer.ts';
import { type Offloads, ResultTable, TEST_UNITS } from './results.ts';
import { SITES } from './sites.ts';
import { formatFigure } from './table.ts';

const PATH_LIMIT_MS = 20_000;
const PATH_POLL_MS = 50;

export interface BenchRun {
  readonly options: BenchOptions;
  readonly peers: readonly ChosenPeer[];
  /** For keys and configurations of the peers. */
  readonly directory: string;
  readonly say: (line: string) => void;
}

export interface BenchOutcome {
  readonly table: ResultTable;
  /** One line for each measurement that failed. */
  readonly failures: readonly string[];
}

export async function runBench(run: BenchRun): Promise<BenchOutcome> {
  const table = new ResultTable();
  const failures: string[] = [];
  for (const offloads of run.options.offloads) {
    for (let round = 1; round <= run.options.runs; round++) {
      for (const chosen of run.peers) {
        const label = `${chosen.peer.name}, WAN offloads ${offloads}, run ${round}`;
        try {
          await visitPeer(run, chosen, offloads, label, table);
        } catch (error) {
          const failure = `${label}: ${error instanceof Error ? error.message : String(error)}`;
          failures.push(failure);
          run.say(failure);
        }
      }
    }
  }
  return { table, failures };
}

/** Throws at the first measurement that fails: whatever follows would be measured on something broken. */
async function visitPeer(
  run: BenchRun,
  { peer, version }: ChosenPeer,
  offloads: Offloads,
  label: string,
  table: ResultTable,
): Promise<void> {
  const directory = join(run.directory, label.replaceAll(/[^\w-]+/g, '-'));
  await mkdir(directory, { recursive: true });
  const topology = new Topology({ plan: planTopology('link'), prefix: '' });
  await topology.build();
  let running: RunningPeer | undefined;
  let generator: UdpGenerator | undefined;
  try {
    await setLinkOffloads(topology, offloads);
    running = await peer.start(topology, directory);
    await waitForPath(topology, running);
    const visit: Visit = {
      topology,
      peer: running,
      seconds: run.options.seconds,
      generator: async () => (generator ??= await openUdpGenerator(topology)),
      say: (line) => {
        run.say(`${label}: ${line}`);
      },
    };
    for (const step of stepsFor(run.options.tests)) {
      for (const [test, figure] of await step.measure(visit)) {
        if (figure === undefined || !run.options.tests.includes(test)) continue;
        table.add(peer.name, version, test, offloads, figure);
        run.say(`${label}: ${test} ${formatFigure(figure)} ${TEST_UNITS[test]}`);
      }
      running.checkAlive();
    }
  } finally {
    await generator?.close();
    await running?.stop();
    await topology.remove();
  }
}

/** Waits until hostB answers hostA. */
export async function waitForPath(topology: Topology, running: RunningPeer): Promise<void> {
  const deadline = performance.now() + PATH_LIMIT_MS;
  for (;;) {
    const probe = ['ping', '-n', '-c', '1', '-W', '1', SITES.gwB.hostAddress];
    if ((await topology.run('hostA', probe)).exitCode === 0) return;
    running.checkAlive();
    if (performance.now() > deadline) throw new Error(`no answer from hostB in ${PATH_LIMIT_MS / 1000} s`);
    await sleep(PATH_POLL_MS);
  }
}
