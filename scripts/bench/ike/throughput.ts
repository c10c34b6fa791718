// What handshakes cost the traffic that a gateway carries: TCP from host to host through two gateways, in turns with and
// without 50 handshakes a second that gateway B answers beside it. The peers that ask for them would be machines of their
// own; here their program takes its time from the same processor. So there is a third turn: without handshakes, beside
// a loop that takes as much time as that program does.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gatewayReady, startGateway, stopGateway, type GatewayProcess } from '../../lab/gateway-process.ts';
import { changed, ikeExampleKeys, ikeTwoSites, writeSiteFiles } from '../../lab/site-files.ts';
import { planTopology, siteAddresses } from '../../topology/plan.ts';
import { Topology } from '../../topology/topology.ts';
import { Daemon } from '../daemon.ts';
import { runIperf3 } from '../measure/iperf3.ts';
import { median } from '../statistics.ts';
import { addSources, startLoad } from './load.ts';
import { HUB_IDENTITY, SECRET } from './many-connections.ts';
import { measurement, type Measurement } from './measurement.ts';

const RATE = 50;
const GROUP = 'x25519';
/** Handshakes go on for so much longer than the traffic takes. */
const AROUND_SECONDS = 2;
const { gwB, hostB } = siteAddresses;

interface TcpReport {
  readonly end: { readonly sum_received: { readonly bits_per_second: number } };
}

export interface ThroughputParts {
  readonly runs: number;
  readonly seconds: number;
  /** For files; not there yet. */
  readonly directory: string;
  readonly say: (line: string) => void;
}

export async function measureThroughput({
  runs,
  seconds,
  directory,
  say,
}: ThroughputParts): Promise<Measurement[]> {
  const topology = new Topology({ plan: planTopology('router'), prefix: '' });
  await topology.build();
  const gateways: GatewayProcess[] = [];
  const alone: number[] = [];
  const besideLoop: number[] = [];
  const beside: number[] = [];
  const handshakes: number[] = [];
  try {
    const sources = await addSources(topology, 'wan', 'toA');
    gateways.push(...(await startBoth(topology, directory)));
    // The first packet makes the tunnel.
    await topology.runOrThrow('hostA', ['ping', '-n', '-c', '3', hostB.ipv4]);
    const carry = async (): Promise<number> => {
      const { end } = await runIperf3<TcpReport>(topology, ['--time', String(seconds)]);
      return end.sum_received.bits_per_second / 1e6;
    };
    // The first one shows code that was never run, and how much time the program takes.
    let processorShare = 0;
    for (let run = 0; run <= runs; run++) {
      const withNothing = await carry();
      const loop = run === 0 ? undefined : startLoop(topology, processorShare);
      const withLoop = loop === undefined ? NaN : await carry();
      await loop?.stop();
      const load = await startLoad(topology, 'wan', sources, {
        remote: gwB.outside.ipv4,
        group: GROUP,
        seconds: seconds + AROUND_SECONDS,
        concurrent: RATE * (seconds + AROUND_SECONDS),
        rate: RATE,
      });
      const withLoad = await carry();
      const outcome = await load.finished();
      const made = outcome.handshakes / outcome.seconds;
      processorShare = outcome.processorMs / outcome.seconds / 1000;
      say(
        `throughput, run ${run}: ${withNothing.toFixed(0)}, beside a loop ${withLoop.toFixed(0)}, beside ${made.toFixed(0)} handshakes/s ${withLoad.toFixed(0)} Mbit/s; their program takes ${(100 * processorShare).toFixed(0)} % of a core`,
      );
      if (run === 0) continue;
      alone.push(withNothing);
      besideLoop.push(withLoop);
      beside.push(withLoad);
      handshakes.push(made);
    }
  } finally {
    for (const gateway of gateways) await stopGateway(gateway);
    await topology.remove();
  }
  const how = `TCP, one stream, ${runs} runs of ${seconds} s in turns`;
  const ratios = (others: readonly number[]): number[] =>
    beside.map((figure, run) => (100 * figure) / (others[run] ?? NaN));
  return [
    measurement('throughput without handshakes', 'Mbit/s', alone, how),
    measurement(
      'throughput beside a loop',
      'Mbit/s',
      besideLoop,
      `${how}; it takes what the initiator takes`,
    ),
    measurement(
      'throughput beside handshakes',
      'Mbit/s',
      beside,
      `${how}; ${median(handshakes).toFixed(0)} a second`,
    ),
    measurement(
      'throughput beside handshakes',
      '% of that beside a loop',
      ratios(besideLoop),
      'what the gateway takes',
    ),
    measurement(
      'throughput beside handshakes',
      '% of that without',
      ratios(alone),
      'initiator and gateway on the same cores',
    ),
  ];
}

/** A program at the place of the initiator that takes a share of a core, in as many pieces as there would be handshakes. */
function startLoop(topology: Topology, share: number): Daemon {
  const program = `
    const begin = performance.now(), before = process.cpuUsage();
    const takenMs = () => { const { user, system } = process.cpuUsage(before); return (user + system) / 1000; };
    setInterval(() => { while (takenMs() < ${share} * (performance.now() - begin)); }, ${1000 / RATE});`;
  return new Daemon(topology, 'wan', [process.execPath, '--eval', program]);
}

/** Two sites with their tunnel; site B answers whoever has the secret of the load, too. */
async function startBoth(topology: Topology, directory: string): Promise<GatewayProcess[]> {
  await mkdir(directory, { recursive: true });
  const files = await writeSiteFiles(directory, undefined, ikeTwoSites, ikeExampleKeys);
  await writeFile(join(directory, 'keys', 'load.psk'), `${SECRET}\n`, { mode: 0o600 });
  const path = files.configuration('gwB');
  const settings = [
    [
      ['peers', 1],
      {
        name: 'load',
        address: 'any',
        ike: {
          local: { identity: HUB_IDENTITY, psk: { file: 'keys/load.psk' } },
          remote: { identity: '*.load.example' },
          proposals: [`aes256gcm16-prfsha256-${GROUP}`],
        },
      },
    ],
    [
      ['policies', 1],
      {
        name: 'to-load',
        priority: 200,
        selectors: { local_address: '10.0.2.0/24', remote_address: '10.0.3.0/24' },
        action: 'PROTECT',
        sa: { peer: 'load', proposals: ['aes256gcm16'], start: 'never' },
      },
    ],
  ] as const;
  await writeFile(path, changed(await readFile(path, 'utf8'), settings), { mode: 0o600 });
  const gateways = (['gwB', 'gwA'] as const).map((place) => startGateway(topology, files, place, false));
  for (const gateway of gateways) await gatewayReady(gateway, new AbortController().signal);
  return gateways;
}
