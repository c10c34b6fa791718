// What handshakes cost the traffic that a gateway carries: one TCP stream from host to host through two gateways, and
// beside it, a phase of a second each in turns, 50 handshakes a second that gateway B answers, and nothing. The peers that
// ask for handshakes would be machines of their own; here their program takes its time from the same processor. So there
// is a third phase, in which it takes as much time for handshakes with itself. In all three it gives way to whoever wants
// the processor.
//
// Neighbouring phases are compared, because machines change their speed within seconds; and where the host of a virtual
// machine gives it less time in one phase than in the next, what was carried is put in proportion.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gatewayReady, startGateway, stopGateway, type GatewayProcess } from '../../lab/gateway-process.ts';
import { changed, ikeExampleKeys, ikeTwoSites, writeSiteFiles } from '../../lab/site-files.ts';
import { planTopology, siteAddresses } from '../../topology/plan.ts';
import { Topology } from '../../topology/topology.ts';
import { TcpStream } from '../measure/tcp-stream.ts';
import { withheldShare } from '../measure/processor-times.ts';
import { addSources, startPacedLoad, type Phase, type RunningLoad } from './load.ts';
import { HUB_IDENTITY, SECRET } from './many-connections.ts';
import { measurement, type Measurement } from './measurement.ts';

const RATE = 50;
const GROUP = 'x25519';
const PHASES: readonly Phase[] = ['handshakes', 'loop', 'nothing'];
const PHASE_MS = 1000;
/** What is on its way when a phase begins is not counted. */
const SETTLE_MS = 100;
/** Rounds before what is measured: the program learns how much time it takes, and the gateways have seen their code. */
const FIRST_ROUNDS = 2;
const { gwB, hostB } = siteAddresses;

export interface ThroughputParts {
  readonly runs: number;
  readonly seconds: number;
  /** For files; not there yet. */
  readonly directory: string;
  readonly say: (line: string) => void;
}

/** Mbit/s in each phase of a round. */
type Round = Readonly<Record<Phase, number>>;

export async function measureThroughput({
  runs,
  seconds,
  directory,
  say,
}: ThroughputParts): Promise<Measurement[]> {
  const topology = new Topology({ plan: planTopology('router'), prefix: '' });
  await topology.build();
  const gateways: GatewayProcess[] = [];
  const rounds: Round[] = [];
  const count = runs * seconds;
  try {
    const sources = await addSources(topology, 'wan', 'toA');
    gateways.push(...(await startBoth(topology, directory)));
    // The first packet makes the tunnel.
    await topology.runOrThrow('hostA', ['ping', '-n', '-c', '3', hostB.ipv4]);
    const load = await startPacedLoad(topology, 'wan', sources, {
      remote: gwB.outside.ipv4,
      group: GROUP,
      rate: RATE,
      count: Math.ceil((1.1 * RATE * (FIRST_ROUNDS + count) * PHASE_MS) / 1000),
    });
    const stream = await TcpStream.start(topology);
    for (let round = 0; round < FIRST_ROUNDS + count; round++) {
      const figures = await measureRound(stream, load);
      if (round < FIRST_ROUNDS) continue;
      rounds.push(figures);
      const texts = PHASES.map((phase) => `${phase} ${figures[phase].toFixed(0)}`);
      say(`throughput, round ${rounds.length} of ${count}, Mbit/s: ${texts.join(', ')}`);
    }
    await stream.stop();
    const { handshakes, seconds: loadSeconds, processorMs } = await load.end();
    say(
      `throughput: ${(handshakes / loadSeconds).toFixed(1)} handshakes a second; their program takes ${(processorMs / loadSeconds / 10).toFixed(0)} % of a core`,
    );
  } finally {
    for (const gateway of gateways) await stopGateway(gateway);
    await topology.remove();
  }
  return report(rounds);
}

async function measureRound(stream: TcpStream, load: RunningLoad): Promise<Round> {
  const figures: Record<Phase, number> = { handshakes: NaN, loop: NaN, nothing: NaN };
  for (const phase of PHASES) {
    load.begin(phase);
    await sleep(SETTLE_MS);
    const before = stream.read();
    await sleep(PHASE_MS - SETTLE_MS);
    const after = stream.read();
    const mbit = (8 * (after.bytes - before.bytes)) / 1e6;
    figures[phase] =
      mbit / ((after.atMs - before.atMs) / 1000) / (1 - withheldShare(before.times, after.times));
  }
  return figures;
}

function report(rounds: readonly Round[]): Measurement[] {
  const how = `TCP, one stream, ${rounds.length} rounds of ${PHASES.length} phases of ${PHASE_MS / 1000} s`;
  const carried = (phase: Phase): number[] => rounds.map((round) => round[phase]);
  const share = (other: Phase): number[] => rounds.map((round) => (100 * round.handshakes) / round[other]);
  return [
    measurement('throughput without handshakes', 'Mbit/s', carried('nothing'), how),
    measurement(
      'throughput beside a loop',
      'Mbit/s',
      carried('loop'),
      'handshakes of the initiator with itself take what it takes',
    ),
    measurement('throughput beside handshakes', 'Mbit/s', carried('handshakes'), `${RATE} a second`),
    measurement(
      'throughput beside handshakes',
      '% of that beside a loop',
      share('loop'),
      'what the gateway takes',
    ),
    measurement(
      'throughput beside handshakes',
      '% of that without',
      share('nothing'),
      'initiator and gateway on the same cores',
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
