// What the benchmark measures and what it hands over: test names, units and the report printed by --json.

import type { Machine } from './machine.ts';
import type { Summary } from './statistics.ts';

/** Every test with the unit of its figures, in the order in which they are run and printed. */
export const TEST_UNITS = {
  tcp1: 'Mbit/s',
  tcp4: 'Mbit/s',
  tcpboth: 'Mbit/s',
  udp64: 'packets/s',
  udp1372: 'packets/s',
  udp64loss: 'packets/s',
  udp1372loss: 'packets/s',
  ping: 'ms',
  start: 'ms',
  cpu: 's/GB',
  memory: 'MB',
} as const;

export type TestName = keyof typeof TEST_UNITS;

export const TEST_NAMES: readonly TestName[] = Object.keys(TEST_UNITS) as TestName[];

/** What a test is about, for people. */
export const TEST_TITLES: Readonly<Record<TestName, string>> = {
  tcp1: 'TCP, 1 stream',
  tcp4: 'TCP, 4 streams',
  tcpboth: 'TCP, a stream each way at once, their sum',
  udp64: 'UDP 64 bytes, delivered under overload',
  udp1372: 'UDP 1372 bytes, delivered under overload',
  udp64loss: 'UDP 64 bytes, at most 0.5 % loss',
  udp1372loss: 'UDP 1372 bytes, at most 0.5 % loss',
  ping: 'Ping, median round trip',
  start: 'Start of one gateway, SAs given, until a packet is answered',
  cpu: 'CPU of both gateways, TCP 1 stream',
  memory: 'Memory of one gateway that rests',
};

/** Tests where a smaller figure is the better one. */
export const LESS_IS_BETTER: ReadonlySet<TestName> = new Set<TestName>(['ping', 'start', 'cpu', 'memory']);

/** Segmentation offloads of the link between the gateways. */
export type Offloads = 'on' | 'off';

export interface BenchResult extends Summary {
  readonly peer: string;
  readonly version: string;
  readonly test: TestName;
  readonly offloads: Offloads;
  readonly unit: string;
}

export interface BenchReport {
  readonly machine: Machine;
  readonly results: readonly BenchResult[];
}

/** The figures of single runs as they come in, and their summary at the end. */
export class ResultTable {
  readonly #rows = new Map<
    string,
    { peer: string; version: string; test: TestName; offloads: Offloads; runs: number[] }
  >();

  add(peer: string, version: string, test: TestName, offloads: Offloads, figure: number): void {
    const key = `${peer} ${test} ${offloads}`;
    const row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, { peer, version, test, offloads, runs: [figure] });
    else row.runs.push(figure);
  }

  /** One row per peer, test and state of the offloads, in the order in which they first came in. */
  summarize(summarizeRuns: (runs: readonly number[]) => Summary): BenchResult[] {
    return [...this.#rows.values()].map(({ peer, version, test, offloads, runs }) => ({
      peer,
      version,
      test,
      offloads,
      unit: TEST_UNITS[test],
      ...summarizeRuns(runs),
    }));
  }
}
