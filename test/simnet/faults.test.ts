// Two whole gateways on a network that loses, repeats, reorders, changes and delays, behind a NAT that forgets, with an
// attacker on the path, while they rekey, delete and restart. test/long has a thousand seeds.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { runSeed, seedsToRun } from '../support/simnet/fault-seeds.ts';

const SEEDS = 30;
const seeds = seedsToRun(SEEDS);

test.each(seeds)('seed %i: nothing is broken under faults, and nothing is lost after them', async (seed) => {
  const { delivered, espPackets } = await runSeed(seed);
  // A run in which nothing happens shows nothing.
  expect(delivered).toBeGreaterThan(100);
  expect(espPackets).toBeGreaterThan(delivered / 2);
});

// Whoever repeats one seed wants nothing else.
describe.runIf(seeds.length > 1)('a seed', () => {
  test('says everything: two runs send the same bytes at the same times', async () => {
    const first = await runSeed(SEEDS + 1);
    await runSeed(SEEDS + 2);
    expect(await runSeed(SEEDS + 1)).toEqual(first);
  });

  test('that fails says what, and how to repeat it', async () => {
    const failure = await failureOf(runSeed(7, 'packet-twice'));
    expect(failure).toMatch(/^seed 7 at [\d.]+ s: site [ab] delivers a packet twice/);
    const command = /^to repeat it: (.*)$/m.exec(failure)?.[1] ?? '';
    const repeated = (await promisify(execFile)('sh', ['-c', command]).catch((error: unknown) => error)) as {
      readonly code?: number;
      readonly stderr: string;
    };
    expect(repeated.code).toBe(1);
    expect(repeated.stderr).toContain(failure.split('\n')[0]);
  });

  test('notices a packet that was changed on its way', async () => {
    expect(await failureOf(runSeed(8, 'packet-changed'))).toContain('that was changed on its way');
  });
});

async function failureOf(run: Promise<unknown>): Promise<string> {
  const failure = await run.catch((error: unknown) => error);
  return failure instanceof Error ? failure.message : 'no failure';
}
