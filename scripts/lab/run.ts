// The measurement, inside a sandbox: join the sites, ping, iperf3, take it away again.

import { mkdtemp } from 'node:fs/promises';
import { Topology } from '../topology/topology.ts';
import type { RunOptions } from './arguments.ts';
import { gatewayReady, startGateway, stopGateway } from './gateway-process.ts';
import type { GatewayProcess } from './gateway-process.ts';
import { iperf3Runs, runIperf3 } from './iperf3.ts';
import type { Iperf3Result } from './iperf3.ts';
import { pingAcross } from './ping.ts';
import { drawing, formatDrops, formatIperf3, formatPing, formatWan, isOk, mergeDrops } from './report.ts';
import type { LabReport } from './report.ts';
import { gatewayPlaces, writeSiteFiles } from './site-files.ts';
import { readWanCounters } from './wan-counters.ts';

/** Offered in the UDP runs: within what the engine carries where host and gateways share two processors. */
const udpMbitPerSecond = { native: 500, portable: 30 } as const;

/** @returns true where all is well */
export async function runLab(options: RunOptions, signal: AbortSignal): Promise<boolean> {
  const say = options.json
    ? (): void => undefined
    : (text: string): void => void process.stdout.write(`${text}\n`);
  // The sandbox's own tmpfs: the keys are gone with it, whatever happens.
  const files = await writeSiteFiles(await mkdtemp('/run/isthmus-lab-'), options.engine);
  const topology = new Topology({ wan: 'router', prefix: '' });
  await topology.build();
  say(drawing);

  const gateways: GatewayProcess[] = [];
  let engine = files.engine;
  const measured = await (async () => {
    try {
      for (const place of gatewayPlaces) gateways.push(startGateway(topology, files, place, false));
      const engines = await Promise.all(gateways.map((gateway) => gatewayReady(gateway, signal)));
      engine = engines[0] ?? engine;
      say(`engine: ${engine}, manual keys, made for this run\n`);
      return await measure(topology, { ...options, engine }, signal, say);
    } catch (error) {
      // What happened first is what matters; how stopping went does not.
      await Promise.allSettled(gateways.map(stopGateway));
      throw error;
    }
  })();
  const drops = mergeDrops(await Promise.all(gateways.map(stopGateway)));
  say(formatDrops(drops));

  const { ok, ping, iperf3 } = measured;
  const report: LabReport = { ok, keying: 'manual', engine, ping, iperf3, drops };
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  say(ok ? '\nok' : '\nnot ok');
  return ok;
}

async function measure(
  topology: Topology,
  options: RunOptions & { readonly engine: keyof typeof udpMbitPerSecond },
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Pick<LabReport, 'ok' | 'ping' | 'iperf3'>> {
  const ping = await pingAcross(topology, signal);
  say(`${formatPing(ping)}\n`);
  const iperf3: Iperf3Result[] = [];
  const offered = udpMbitPerSecond[options.engine];
  for (const run of iperf3Runs) {
    const { failure, ...result } = await runIperf3(topology, run, {
      seconds: options.seconds,
      udpMbitPerSecond: offered,
      signal,
    });
    iperf3.push(result);
    if (failure !== undefined) {
      process.stderr.write(`lab: iperf3 ${run.protocol} ${run.direction}: ${failure}\n`);
    }
  }
  say(`${formatIperf3(iperf3)}\nUDP was offered at ${offered} Mbit/s\n`);
  const wan = await readWanCounters(topology);
  say(`${formatWan(wan)}\n`);
  return { ok: isOk(ping, iperf3, wan), ping, iperf3 };
}
