// What is tried with random octets, and how: from a corpus of inputs that reached something, mutated. The corpus is
// kept in test/fuzz/corpus/, one input a line; a longer run adds what was not there yet.

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';

export interface FuzzInput {
  /** Type of the first payload, where the target is a chain of them. */
  readonly firstPayload: number;
  readonly bytes: Uint8Array;
}

export interface FuzzTarget {
  readonly name: string;
  /** What is mutated besides the corpus. */
  readonly seeds: fc.Arbitrary<FuzzInput>;
  /** @returns what became of it, in a few words: inputs of which it is the same are alike @throws what is a defect */
  readonly attempt: (input: FuzzInput) => string | Promise<string>;
}

/** An end by number of inputs, or by time. */
export type FuzzLimit = { readonly runs: number } | { readonly forMs: number };

const CORPUS = join(import.meta.dirname, '..', 'fuzz', 'corpus');
/** Beyond these an input is not kept. */
const MOST_KEPT = 40;
const MOST_KEPT_BYTES = 600;

/** Numbers that lengths and counts are wrong with. */
const octet = fc.oneof(fc.constantFrom(0, 1, 3, 4, 7, 8, 0x7f, 0x80, 0xff), fc.nat(255));
const mutation = fc.oneof(
  fc.record({ at: fc.nat(), removed: fc.constant(1), inserted: octet.map((value) => Uint8Array.of(value)) }),
  fc.record({ at: fc.nat(), removed: fc.nat(40), inserted: fc.uint8Array({ maxLength: 40 }) }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;
const mutations = fc.array(mutation, { maxLength: 4 });

function mutated(bytes: Uint8Array, { at, removed, inserted }: Mutation): Uint8Array {
  const start = at % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, start), inserted, bytes.subarray(start + removed)]);
}

const fileOf = (target: FuzzTarget): string => join(CORPUS, `${target.name.replaceAll(' ', '-')}.txt`);

function readCorpus(target: FuzzTarget): readonly FuzzInput[] {
  const file = fileOf(target);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => {
    const [firstPayload = '', hex = ''] = line.split(' ');
    return { firstPayload: Number(firstPayload), bytes: Uint8Array.from(Buffer.from(hex, 'hex')) };
  });
}

function keep(target: FuzzTarget, { firstPayload, bytes }: FuzzInput): void {
  appendFileSync(fileOf(target), `${String(firstPayload)} ${Buffer.from(bytes).toString('hex')}\n`);
}

/** Tries all of the corpus, then random inputs. One that shows a defect is kept, and so, in a run by time, what is new. */
export async function fuzz(target: FuzzTarget, limit: FuzzLimit): Promise<void> {
  const pool = [...readCorpus(target)];
  const known = new Set<string>();
  for (const input of pool) known.add(await target.attempt(input));
  const learns = 'forMs' in limit;
  const fromPool = fc.nat().map((at) => pool[at % pool.length]!);
  const seeds = pool.length === 0 ? target.seeds : fc.oneof(target.seeds, fromPool);
  const inputs = fc
    .tuple(seeds, mutations)
    .map(([{ firstPayload, bytes }, list]) => ({ firstPayload, bytes: list.reduce(mutated, bytes) }));
  const property = fc.asyncProperty(inputs, async (input) => {
    const outcome = await target.attempt(input);
    if (!learns || known.has(outcome)) return;
    known.add(outcome);
    if (pool.length >= MOST_KEPT || input.bytes.length > MOST_KEPT_BYTES) return;
    pool.push(input);
    keep(target, input);
  });
  const details = await fc.check(property, {
    ...(learns
      ? {
          numRuns: Number.MAX_SAFE_INTEGER,
          interruptAfterTimeLimit: limit.forMs,
          markInterruptAsFailure: false,
        }
      : { numRuns: limit.runs }),
    endOnFailure: false,
  });
  if (!details.failed) return;
  const [found] = details.counterexample ?? [];
  if (found !== undefined) keep(target, found);
  throw new Error(fc.defaultReportMessage(details), { cause: details.errorInstance });
}
