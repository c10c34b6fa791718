// Runs the program that makes handshakes, from addresses of its own in a namespace.

import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Place } from '../../topology/plan.ts';
import type { Topology } from '../../topology/topology.ts';
import { Daemon } from '../daemon.ts';

const INITIATOR = fileURLToPath(new URL('initiator.ts', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));
/** A gateway asks one address for cookies beyond 20 first messages a second. */
const SOURCES = 60;
const START_MS = 30_000;

export interface LoadOutcome {
  readonly handshakes: number;
  readonly failures: number;
  readonly seconds: number;
  /** Of the program that asked for them. */
  readonly processorMs: number;
}

const Outcome: z.ZodType<LoadOutcome> = z.object({
  handshakes: z.number(),
  failures: z.number(),
  seconds: z.number(),
  processorMs: z.number(),
});

export interface Load {
  readonly remote: string;
  /** A name of GROUPS. */
  readonly group: string;
  readonly seconds: number;
  /** With a rate: how many at all. */
  readonly concurrent: number;
  /** A second, and all stay to the end; 0 = as fast as it goes, each deleted at once. */
  readonly rate: number;
}

export interface RunningLoad {
  /** @throws Error where a handshake failed */
  finished(): Promise<LoadOutcome>;
}

/** Gives a place addresses that handshakes can come from. @returns them */
export async function addSources(
  topology: Topology,
  place: Place,
  device: string,
): Promise<readonly string[]> {
  const sources = Array.from({ length: SOURCES }, (_, index) => `203.0.113.${100 + index}`);
  for (const source of sources)
    await topology.runOrThrow(place, ['ip', 'address', 'add', `${source}/32`, 'dev', device]);
  return sources;
}

/** Begins handshakes, and resolves when what is measured begins. */
export async function startLoad(
  topology: Topology,
  place: Place,
  sources: readonly string[],
  { remote, group, seconds, concurrent, rate }: Load,
): Promise<RunningLoad> {
  const program = new Daemon(topology, place, [
    ...['env', '-C', root, process.execPath, '--import', 'tsx', INITIATOR, sources.join(','), remote, group],
    ...[seconds, concurrent, rate].map(String),
  ]);
  const result = /\{.*\}/;
  await program.waitUntil(() => program.output.includes('begun'), 'handshake', START_MS);
  return {
    finished: async () => {
      await program.waitUntil(() => result.test(program.output), 'result', 1000 * seconds + START_MS);
      const outcome = Outcome.parse(JSON.parse(result.exec(program.output)?.[0] ?? ''));
      const { handshakes, failures } = outcome;
      if (handshakes === 0 || failures > 0) throw new Error(`${handshakes} handshakes, ${failures} failed`);
      return outcome;
    },
  };
}

/** As {@link startLoad}, to its end. @returns how many handshakes there were */
export async function runLoad(
  topology: Topology,
  place: Place,
  sources: readonly string[],
  load: Load,
): Promise<number> {
  return (await (await startLoad(topology, place, sources, load)).finished()).handshakes;
}
