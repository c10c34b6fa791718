// What handshakes cost the traffic that a gateway carries: TCP from host to host through two gateways, in turns with and
// without 50 handshakes a second that gateway B answers beside it.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gatewayReady, startGateway, stopGateway, type GatewayProcess } from '../../lab/gateway-process.ts';
import { changed, ikeExampleKeys, ikeTwoSites, writeSiteFiles } from '../../lab/site-files.ts';
import { planTopology, siteAddresses } from '../../topology/plan.ts';
import { Topology } from '../../topology/topology.ts';
import { runIperf3 } from '../measure/iperf3.ts';
import { median } from '../statistics.ts';
import { addSources, startLoad } from './load.ts';
import { HUB_IDENTITY, SECRET } from './many-connections.ts';
import { measurement, type Measurement } from './measurement.ts';

const RATE = 50;
const GROUP = 'x25519';
const CONCURRENT = 100;
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
    for (let run = 0; run <= runs; run++) {
      const withoutLoad = await carry();
      const load = await startLoad(topology, 'wan', sources, {
        remote: gwB.outside.ipv4,
        group: GROUP,
        seconds: seconds + AROUND_SECONDS,
        concurrent: CONCURRENT,
        rate: RATE,
      });
      const withLoad = await carry();
      const made = (await load.finished()) / (seconds + AROUND_SECONDS);
      // The first one shows code that was never run.
      say(
        `throughput, run ${run}: ${withoutLoad.toFixed(0)} and ${withLoad.toFixed(0)} Mbit/s, ${made.toFixed(0)} handshakes/s`,
      );
      if (run === 0) continue;
      alone.push(withoutLoad);
      beside.push(withLoad);
      handshakes.push(made);
    }
  } finally {
    for (const gateway of gateways) await stopGateway(gateway);
    await topology.remove();
  }
  const how = `TCP, one stream, ${runs} runs of ${seconds} s in turns`;
  return [
    measurement('throughput without handshakes', 'Mbit/s', alone, how),
    measurement(
      'throughput beside handshakes',
      'Mbit/s',
      beside,
      `${how}; ${median(handshakes).toFixed(0)} a second`,
    ),
    measurement(
      'throughput beside handshakes',
      '% of that without',
      beside.map((figure, run) => (100 * figure) / (alone[run] ?? NaN)),
      'each run against the one before it; the initiator takes its time from the same cores',
    ),
  ];
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
