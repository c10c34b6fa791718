// Runs the programs that make handshakes, from addresses of their own in a namespace.

import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Place } from '../../topology/plan.ts';
import type { Topology } from '../../topology/topology.ts';
import { Daemon } from '../daemon.ts';

const INITIATOR = fileURLToPath(new URL('initiator.ts', import.meta.url));
const PACED_INITIATOR = fileURLToPath(new URL('paced-initiator.ts', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));
/** A gateway asks one address for cookies beyond 20 first messages a second. */
const SOURCES = 60;
const START_MS = 30_000;
const RESULT = /\{.*\}/;

export interface Outcome {
  readonly handshakes: number;
  readonly failures: 0;
  readonly seconds: number;
}

export interface PacedOutcome extends Outcome {
  /** Of the program that asked for them. */
  readonly processorMs: number;
}

const outcome = { handshakes: z.number().min(1), failures: z.literal(0), seconds: z.number() };
const outcomeSchema: z.ZodType<Outcome> = z.object(outcome);
const pacedOutcomeSchema: z.ZodType<PacedOutcome> = z.object({ ...outcome, processorMs: z.number() });

export interface Load {
  readonly remote: string;
  /** A name of GROUPS. */
  readonly group: string;
  readonly seconds: number;
  readonly concurrent: number;
}

export interface PacedLoad {
  readonly remote: string;
  /** A name of GROUPS. */
  readonly group: string;
  /** A second. */
  readonly rate: number;
  /** At all. */
  readonly count: number;
}

/** What the program of a paced load does: handshakes, something that takes as much time, or nothing. */
export type Phase = 'handshakes' | 'loop' | 'nothing';

export interface RunningLoad {
  begin(phase: Phase): void;
  /** @throws Error where a handshake failed, or there was none */
  end(): Promise<PacedOutcome>;
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

/** Makes handshakes as fast as they are answered. @returns how many there were; Error where one failed */
export async function runLoad(
  topology: Topology,
  place: Place,
  sources: readonly string[],
  { remote, group, seconds, concurrent }: Load,
): Promise<number> {
  const argv = [sources.join(','), remote, group, seconds, concurrent];
  const program = startProgram(topology, place, INITIATOR, argv);
  await program.waitUntil(() => program.output.includes('begun'), 'handshake', START_MS);
  return (await outcomeOf(program, outcomeSchema, seconds)).handshakes;
}

/** Makes a program ready that makes handshakes at a rate, while it is told to. */
export async function startPacedLoad(
  topology: Topology,
  place: Place,
  sources: readonly string[],
  { remote, group, rate, count }: PacedLoad,
): Promise<RunningLoad> {
  const argv = [sources.join(','), remote, group, rate, count];
  // It stands for other machines: it takes the time that nobody here wants.
  const program = startProgram(topology, place, PACED_INITIATOR, argv, ['nice', '-n', '19']);
  await program.waitUntil(() => program.output.includes('ready'), 'handshake', START_MS);
  return {
    begin: (phase) => {
      program.checkAlive();
      program.tell(phase);
    },
    end: () => {
      program.tell();
      return outcomeOf(program, pacedOutcomeSchema, 0);
    },
  };
}

function startProgram(
  topology: Topology,
  place: Place,
  program: string,
  argv: readonly (string | number)[],
  wrapper: readonly string[] = [],
): Daemon {
  const node = ['env', '-C', root, ...wrapper, process.execPath, '--import', 'tsx', program];
  return new Daemon(topology, place, [...node, ...argv.map(String)], {}, 'pipe');
}

async function outcomeOf<T>(program: Daemon, schema: z.ZodType<T>, seconds: number): Promise<T> {
  await program.waitUntil(() => RESULT.test(program.output), 'result', 1000 * seconds + START_MS);
  return schema.parse(JSON.parse(RESULT.exec(program.output)?.[0] ?? ''));
}
