// `npm run bench -- --profile`: where the time of a packet goes, while the traffic of a test runs through two gateways
// with the native engine.

import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentError } from '../../../src/base/errors.ts';
import { planTopology } from '../../topology/plan.ts';
import { Topology } from '../../topology/topology.ts';
import { openUdpGenerator } from '../generator/udp-generator.ts';
import { setLinkOffloads } from '../link-offloads.ts';
import { describeHost } from '../machine.ts';
import { readArrivals } from '../measure/arrivals.ts';
import { runIperf3 } from '../measure/iperf3.ts';
import { isthmus } from '../peers/isthmus.ts';
import type { RunningPeer } from '../peers/peer.ts';
import type { TestName } from '../results.ts';
import { waitForPath } from '../run-bench.ts';
import { formatProfile, type Profile } from './profile-table.ts';
import { takeSamples } from './samples.ts';

/** The code is compiled, and the traffic has found its rate. */
const WARM_UP_SECONDS = 3;
const SUPER_PACKET_BYTES = 65_536;
/** Streams of TCP. */
const TCP_TESTS: ReadonlyMap<TestName, number> = new Map([
  ['tcp1', 1],
  ['tcp4', 4],
]);
/** Bytes of payload, with as many datagrams as can be sent. */
const UDP_TESTS: ReadonlyMap<TestName, number> = new Map([
  ['udp64', 64],
  ['udp1372', 1372],
]);

export interface ProfileParts {
  readonly tests: readonly TestName[];
  readonly seconds: number;
  /** The Node that runs the gateways. */
  readonly node: string;
  /** For keys, configurations and samples. */
  readonly directory: string;
  readonly say: (line: string) => void;
}

interface TcpReport {
  readonly intervals: readonly { readonly sum: { readonly start: number; readonly bytes: number } }[];
}

/** @returns the report, of the tests that keep the gateways busy all the time @throws EnvironmentError where perf is missing */
export async function runProfile(parts: ProfileParts): Promise<string> {
  const { tests, node, directory, say } = parts;
  const peer = isthmus('native', node);
  const availability = await peer.probe();
  if (availability.kind === 'missing')
    throw new EnvironmentError(`${availability.reason}; ${availability.mend}`);
  const host = describeHost(availability.version, 1);
  const blocks = [
    `${host.cpuModel}, ${host.cores} cores; Linux ${host.kernel}; ${host.distribution}\nIsthmus ${availability.version}; ${host.date}`,
  ];
  for (const test of tests.filter((one) => TCP_TESTS.has(one) || UDP_TESTS.has(one))) {
    say(`profile of ${test}`);
    const own = join(directory, test);
    await mkdir(own, { recursive: true });
    const topology = new Topology({ plan: planTopology('link'), prefix: '' });
    await topology.build();
    let running: RunningPeer | undefined;
    try {
      await setLinkOffloads(topology, 'on');
      running = await peer.start(topology, own);
      await waitForPath(topology, running);
      blocks.push(formatProfile(await profileTest(test, topology, running, own, parts.seconds)));
    } finally {
      await running?.stop();
      await topology.remove();
    }
  }
  return `${blocks.join('\n\n')}\n`;
}

async function profileTest(
  test: TestName,
  topology: Topology,
  { processIds }: RunningPeer,
  directory: string,
  seconds: number,
): Promise<Profile> {
  const [a = NaN, b = NaN] = processIds;
  const common = { test, seconds, cores: availableParallelism(), gateways: [a, b] as const };
  const samples = async (): Promise<Profile['samples']> => {
    await sleep(1000 * WARM_UP_SECONDS);
    return takeSamples(seconds, directory);
  };
  const longEnough = WARM_UP_SECONDS + seconds + 1;
  const streams = TCP_TESTS.get(test);
  if (streams !== undefined) {
    const options = ['--parallel', String(streams), '--time', String(longEnough), '--interval', '0.5'];
    const [taken, report] = await Promise.all([samples(), runIperf3<TcpReport>(topology, options)]);
    const inside = report.intervals.filter(
      ({ sum }) => sum.start >= WARM_UP_SECONDS - 0.1 && sum.start < WARM_UP_SECONDS + seconds - 0.1,
    );
    const bytes = inside.reduce((total, { sum }) => total + sum.bytes, 0);
    return { ...common, unit: '64 KiB of TCP', units: bytes / SUPER_PACKET_BYTES, samples: taken };
  }
  const payloadBytes = UDP_TESTS.get(test) ?? NaN;
  const generator = await openUdpGenerator(topology);
  try {
    const sending = generator.send(payloadBytes, undefined, longEnough);
    await sleep(1000 * WARM_UP_SECONDS);
    const before = await readArrivals(topology);
    const taken = await takeSamples(seconds, directory);
    const after = await readArrivals(topology);
    await sending;
    // perf takes a moment to start and to end.
    const share = (1000 * seconds) / (after.atMs - before.atMs);
    return { ...common, unit: 'packet', units: (after.packets - before.packets) * share, samples: taken };
  } finally {
    await generator.close();
  }
}
