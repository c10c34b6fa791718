// The promise across processes: real ones, on one directory, at once and killed.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { SEQUENCE_BLOCK_NUMBERS } from '../../../src/state/sequence-blocks.ts';

const keyId = '00112233445566778899aabbccddeeff';
const child = fileURLToPath(new URL('reserve-child.ts', import.meta.url));
const running = new Set<ChildProcess>();
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'isthmus-state-'));
});

afterEach(async () => {
  for (const one of running) one.kill('SIGKILL');
  await rm(directory, { recursive: true });
});

interface Run {
  readonly firsts: number[];
  readonly code: number | null;
}

/** Runs a process that reserves `count` blocks; kills it as soon as it printed `killAfter` of them. */
async function reserveInProcess(count: number, killAfter?: number): Promise<Run> {
  const one = spawn(process.execPath, ['--import', 'tsx', child, directory, keyId, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(one);
  const closed = once(one, 'close');
  const firsts: number[] = [];
  for await (const line of createInterface({ input: one.stdout })) {
    const [first = NaN, end = NaN] = line.split(' ').map(Number);
    expect(end).toBe(Math.floor(first / SEQUENCE_BLOCK_NUMBERS + 1) * SEQUENCE_BLOCK_NUMBERS);
    firsts.push(first);
    if (firsts.length === killAfter) one.kill('SIGKILL');
  }
  await closed;
  running.delete(one);
  return { firsts, code: one.exitCode };
}

test('eight processes at once get disjoint blocks, none left out', { timeout: 60_000 }, async () => {
  const runs = await Promise.all(Array.from({ length: 8 }, () => reserveInProcess(25)));
  expect(runs.map((run) => run.code)).toEqual(Array.from({ length: 8 }, () => 0));
  const firsts = runs.flatMap((run) => run.firsts).toSorted((a, b) => a - b);
  const expected = Array.from({ length: 200 }, (_, i) => Math.max(1, i * SEQUENCE_BLOCK_NUMBERS));
  expect(firsts).toEqual(expected);
});

test(
  'after SIGKILL in the middle the next process starts above everything',
  { timeout: 60_000 },
  async () => {
    let highest = 0;
    for (const killAfter of [1, 3, 10]) {
      const [a, b] = await Promise.all([reserveInProcess(100_000, killAfter), reserveInProcess(5)]);
      expect(a.code).toBe(null);
      const after = await reserveInProcess(1);
      const before = [...a.firsts, ...b.firsts];
      expect(new Set(before).size).toBe(before.length);
      expect(Math.min(...before)).toBeGreaterThan(highest);
      expect(after.firsts[0]).toBeGreaterThan(Math.max(...before));
      highest = after.firsts[0] ?? NaN;
    }
  },
);
