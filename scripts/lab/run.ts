// One run of the lab, inside a sandbox: build a scenario's topology, join the sites, ping, iperf3, show the
// scenario's point, take it all away again.

import { mkdtemp } from 'node:fs/promises';
import { Topology } from '../topology/topology.ts';
import type { RunOptions } from './arguments.ts';
import type { EngineName } from './engine-name.ts';
import { gatewayReady, killGateway, startGateway, stopGateway } from './gateway-process.ts';
import type { GatewayProcess } from './gateway-process.ts';
import { iperf3Runs, runIperf3 } from './iperf3.ts';
import type { Iperf3Result } from './iperf3.ts';
import { pingAcross } from './ping.ts';
import type { PingResult } from './ping.ts';
import {
  formatChecks,
  formatDrops,
  formatIperf3,
  formatPing,
  formatWan,
  isOk,
  mergeDrops,
} from './report.ts';
import type { LabReport } from './report.ts';
import { findScenario } from './scenarios/all-scenarios.ts';
import type { Check, RunningLab, Scenario } from './scenarios/scenario.ts';
import { writeSiteFiles } from './site-files.ts';
import { readWanCounters, watchWan } from './wan-counters.ts';

/** Offered in the UDP runs: within what the engine carries where host and gateways share two processors. */
const udpMbitPerSecond = { native: 500, portable: 30 } as const;

const KEYING_LINES = {
  manual: 'manual keys, made for this run',
  ike: 'keys by IKEv2, with a shared secret made for this run',
} as const;

type Say = (text: string) => void;

interface Measured {
  readonly ping: PingResult;
  readonly iperf3: readonly Iperf3Result[];
  readonly checks: readonly Check[];
  readonly ok: boolean;
}

/** @returns true where all is well */
export async function runLab(options: RunOptions, signal: AbortSignal): Promise<boolean> {
  const scenario = findScenario(options.scenario ?? 'site-to-site');
  const say: Say = options.json
    ? (): void => undefined
    : (text: string): void => void process.stdout.write(`${text}\n`);
  // The sandbox's own tmpfs: the keys are gone with it, whatever happens.
  const directory = await mkdtemp('/run/isthmus-lab-');
  const { sites, keys } = options.keying === 'ike' ? (scenario.ike ?? scenario) : scenario;
  const files = await writeSiteFiles(directory, options.engine, sites, keys);
  const topology = new Topology({ plan: scenario.plan, prefix: '' });
  await topology.build();
  await watchWan(topology);
  await scenario.prepare?.(topology);
  say(scenario.drawing);

  const running = new Map<string, GatewayProcess>();
  const lab: RunningLab = {
    topology,
    signal,
    wan: () => readWanCounters(topology),
    kill: async (place) => {
      const gateway = running.get(place);
      running.delete(place);
      if (gateway !== undefined) await killGateway(gateway);
    },
  };
  let engine = files.engine;
  const measured = await (async () => {
    try {
      for (const { place } of sites) running.set(place, startGateway(topology, files, place, false));
      const engines = await Promise.all(
        [...running.values()].map((gateway) => gatewayReady(gateway, signal)),
      );
      engine = engines[0] ?? engine;
      say(`engine: ${engine}, ${KEYING_LINES[options.keying]}\n`);
      await scenario.settle?.(lab);
      return await measure(scenario, lab, options.seconds, engine, say);
    } catch (error) {
      // What happened first is what matters; how stopping went does not.
      await Promise.allSettled([...running.values()].map(stopGateway));
      throw error;
    }
  })();
  const drops = mergeDrops(await Promise.all([...running.values()].map(stopGateway)));
  say(formatDrops(drops));

  const { ping, iperf3 } = measured;
  const checks = [...measured.checks, ...scenario.expectedDrops.map((reason) => dropCheck(drops, reason))];
  if (options.scenario !== undefined) say(`\n${scenario.sentence}\n${formatChecks(checks)}`);
  const ok = measured.ok && checks.every(({ holds }) => holds);
  const report: LabReport = {
    ok,
    keying: options.keying,
    engine,
    ...(options.scenario !== undefined && { scenario: scenario.name, checks }),
    ping,
    iperf3,
    drops,
  };
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  say(ok ? '\nok' : '\nnot ok');
  return ok;
}

function dropCheck(drops: Readonly<Record<string, number>>, reason: string): Check {
  const packets = drops[reason] ?? 0;
  return {
    what: `packets were dropped as ${reason}`,
    holds: packets > 0,
    seen: `${packets} packets`,
  };
}

async function measure(
  scenario: Scenario,
  lab: RunningLab,
  seconds: number,
  engine: EngineName,
  say: Say,
): Promise<Measured> {
  const { topology, signal } = lab;
  const ping = await pingAcross(topology, signal);
  say(`${formatPing(ping)}\n`);
  const iperf3: Iperf3Result[] = [];
  const offered = udpMbitPerSecond[engine];
  for (const run of iperf3Runs) {
    const { failure, ...result } = await runIperf3(topology, run, {
      seconds,
      udpMbitPerSecond: offered,
      signal,
    });
    iperf3.push(result);
    if (failure !== undefined) {
      process.stderr.write(`lab: iperf3 ${run.protocol} ${run.direction}: ${failure}\n`);
    }
  }
  say(`${formatIperf3(iperf3)}\nUDP was offered at ${offered} Mbit/s\n`);
  const checks = await scenario.check(lab);
  const wan = await lab.wan();
  say(`${formatWan(wan)}\n`);
  return { ok: isOk(ping, iperf3, wan), ping, iperf3, checks };
}
