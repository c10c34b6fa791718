import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { EnvironmentError, InvariantError } from '../../../src/base/errors.ts';
import {
  SEQUENCE_BLOCK_NUMBERS,
  SEQUENCE_LIMIT,
  SEQUENCE_LIMIT_ESN,
  SequenceBlockStore,
} from '../../../src/state/sequence-blocks.ts';
import { nodeStateFiles } from '../../../src/state/state-files.ts';

const N = SEQUENCE_BLOCK_NUMBERS;
const keyId = '00112233445566778899aabbccddeeff';
const otherKeyId = 'ffeeddccbbaa99887766554433221100';

let directory: string;
let keyDirectory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'isthmus-state-'));
  keyDirectory = join(directory, 'sequence', keyId);
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

test('blocks follow each other; the first number is 1', async () => {
  const store = await SequenceBlockStore.open(directory);
  expect(N).toBe(262_144);
  expect(await store.reserve(keyId, SEQUENCE_LIMIT)).toEqual({ first: 1, end: N });
  expect(await store.reserve(keyId, SEQUENCE_LIMIT)).toEqual({ first: N, end: 2 * N });
  expect(await store.reserve(otherKeyId, SEQUENCE_LIMIT)).toEqual({ first: 1, end: N });
  expect(await store.reserve(keyId, SEQUENCE_LIMIT)).toEqual({ first: 2 * N, end: 3 * N });
});

test('a store opened again goes on after the last block', async () => {
  await (await SequenceBlockStore.open(directory)).reserve(keyId, SEQUENCE_LIMIT);
  await (await SequenceBlockStore.open(directory)).reserve(keyId, SEQUENCE_LIMIT);
  const block = await (await SequenceBlockStore.open(directory)).reserve(keyId, SEQUENCE_LIMIT);
  expect(block).toEqual({ first: 2 * N, end: 3 * N });
});

test('calls at once, in two stores of one process, give disjoint blocks in rising order per store', async () => {
  const stores = [await SequenceBlockStore.open(directory), await SequenceBlockStore.open(directory)];
  const perStore = await Promise.all(
    stores.map((store) =>
      Promise.all(Array.from({ length: 40 }, () => store.reserve(keyId, SEQUENCE_LIMIT))),
    ),
  );
  for (const blocks of perStore) {
    const firsts = blocks.map((block) => block.first);
    expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
  }
  const ends = perStore.flat().map((block) => block.end / N);
  expect(ends.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
});

test('one counter file stays, whatever number was reached, readable by its owner only', async () => {
  const store = await SequenceBlockStore.open(directory);
  for (let i = 0; i < 12; i++) await store.reserve(keyId, SEQUENCE_LIMIT);
  expect(await readdir(join(directory, 'sequence'))).toEqual([keyId]);
  expect(await readdir(keyDirectory)).toEqual(['11']);
  expect((await stat(join(keyDirectory, '11'))).mode & 0o077).toBe(0);
  expect((await stat(keyDirectory)).mode & 0o077).toBe(0);
});

test('names that are no block numbers are passed over, leftovers of a dead process included', async () => {
  const store = await SequenceBlockStore.open(directory);
  await store.reserve(keyId, SEQUENCE_LIMIT);
  for (const name of ['x', '007', '9.bak', '-5', '1e3', ' 4', '.12']) {
    await writeFile(join(keyDirectory, name), '');
  }
  await mkdir(join(directory, 'sequence', '.new-left-by-a-dead-process'));
  await writeFile(join(directory, 'sequence', `${keyId}.7`), '');
  const again = await SequenceBlockStore.open(directory);
  expect(await again.reserve(keyId, SEQUENCE_LIMIT)).toEqual({ first: N, end: 2 * N });
});

test('of several numbers the highest counts', async () => {
  const store = await SequenceBlockStore.open(directory);
  await store.reserve(keyId, SEQUENCE_LIMIT);
  await writeFile(join(keyDirectory, '9'), '');
  await writeFile(join(keyDirectory, '10'), '');
  expect(await store.reserve(keyId, SEQUENCE_LIMIT)).toEqual({ first: 11 * N, end: 12 * N });
});

test('a block is handed out after its file and both directories are on the disk', async () => {
  const steps: string[] = [];
  const store = await SequenceBlockStore.open(directory, {
    ...nodeStateFiles,
    async writeSynced(path, text) {
      await nodeStateFiles.writeSynced(path, text);
      steps.push('write');
    },
    async rename(from, to) {
      const moved = await nodeStateFiles.rename(from, to);
      steps.push(`rename to ${relative(directory, to)}`);
      return moved;
    },
    async syncDirectory(path) {
      await nodeStateFiles.syncDirectory(path);
      steps.push(`sync ${relative(directory, path).replace(/new-.*/, 'new')}`);
    },
  });
  await store.reserve(keyId, SEQUENCE_LIMIT);
  steps.push('block 0');
  await store.reserve(keyId, SEQUENCE_LIMIT);
  const counter = `sequence/${keyId}`;
  expect(steps).toEqual([
    ...['sync ', 'write', 'sync sequence/.new', `rename to ${counter}`, `sync ${counter}`, 'sync sequence'],
    'block 0',
    ...[`rename to ${counter}/1`, `sync ${counter}`, 'sync sequence'],
  ]);
});

describe('exhaustion', () => {
  test.each([
    ['32 bits', SEQUENCE_LIMIT],
    ['extended, 53 bits', SEQUENCE_LIMIT_ESN],
  ])('%s: the last block ends at the limit, the next is refused', async (_, limit) => {
    const store = await SequenceBlockStore.open(directory);
    await store.reserve(keyId, limit);
    const beforeLast = limit / N - 2;
    await rename(join(keyDirectory, '0'), join(keyDirectory, String(beforeLast)));
    expect(await store.reserve(keyId, limit)).toEqual({ first: limit - N, end: limit });
    const refused = store.reserve(keyId, limit, 'site-a-to-site-b');
    await expect(refused).rejects.toThrow(
      'the key of SA site-a-to-site-b is used up; make a new one with isthmus keygen',
    );
    await expect(refused).rejects.toBeInstanceOf(EnvironmentError);
    expect(await readdir(keyDirectory)).toEqual([String(limit / N - 1)]);
  });

  test('a call that failed does not keep the next from its turn', async () => {
    const store = await SequenceBlockStore.open(directory);
    await expect(store.reserve('../../etc/passwd', SEQUENCE_LIMIT)).rejects.toBeInstanceOf(InvariantError);
    await store.reserve(otherKeyId, N);
    await expect(store.reserve(otherKeyId, N)).rejects.toThrow('used up');
    expect(await store.reserve(keyId, SEQUENCE_LIMIT)).toEqual({ first: 1, end: N });
  });
});

describe('a counter that was tampered with is refused', () => {
  test('the counter file is gone', async () => {
    await (await SequenceBlockStore.open(directory)).reserve(keyId, SEQUENCE_LIMIT);
    await rm(join(keyDirectory, '0'));
    const again = await SequenceBlockStore.open(directory);
    await expect(again.reserve(keyId, SEQUENCE_LIMIT, 'sa-1')).rejects.toThrow(
      `the counter file in ${keyDirectory} was deleted or restored; make a new key for SA sa-1 with isthmus keygen`,
    );
  });

  test('the directory of the key is gone while the gateway runs', async () => {
    const store = await SequenceBlockStore.open(directory);
    await store.reserve(keyId, SEQUENCE_LIMIT);
    await rm(keyDirectory, { recursive: true });
    await expect(store.reserve(keyId, SEQUENCE_LIMIT)).rejects.toThrow('was deleted or restored');
    await expect(stat(keyDirectory)).rejects.toThrow('ENOENT');
  });

  test('the counter went back while the gateway runs', async () => {
    const store = await SequenceBlockStore.open(directory);
    for (let i = 0; i < 3; i++) await store.reserve(keyId, SEQUENCE_LIMIT);
    await rename(join(keyDirectory, '2'), join(keyDirectory, '1'));
    await expect(store.reserve(keyId, SEQUENCE_LIMIT)).rejects.toThrow('was deleted or restored');
  });
});

describe('a state directory that does not serve', () => {
  const need = 'manual SAs with AES-GCM or ChaCha20-Poly1305 need a writable state directory';

  async function openError(path: string): Promise<unknown> {
    return SequenceBlockStore.open(path).then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  test('missing', async () => {
    const missing = join(directory, 'none');
    const error = await openError(missing);
    expect(error).toBeInstanceOf(EnvironmentError);
    expect((error as Error).message).toContain(need);
    expect((error as Error).message).toContain(`mkdir -p -m 700 ${missing}`);
    await expect(stat(missing)).rejects.toThrow('ENOENT');
  });

  test('a file', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    const error = await openError(file);
    expect(error).toBeInstanceOf(EnvironmentError);
    expect((error as Error).message).toContain(`${file} or something in it is not a directory`);
  });

  test('a file where the counters should be', async () => {
    await writeFile(join(directory, 'sequence'), '');
    const store = await SequenceBlockStore.open(directory);
    await expect(store.reserve(keyId, SEQUENCE_LIMIT)).rejects.toThrow('is not a directory');
  });

  test('one that not even root may write', async () => {
    const error = await openError('/proc/self/fdinfo');
    expect(error).toBeInstanceOf(EnvironmentError);
    expect((error as Error).message).toContain(need);
    expect((error as Error).message).not.toContain('\n');
  });
});
