// Stores over a model file system in which every operation is a step that may happen before or after any other,
// a listing is torn in two, and a store may die between any two steps.

import fc from 'fast-check';
import { expect, test } from 'vitest';

import {
  SEQUENCE_BLOCK_NUMBERS,
  SEQUENCE_LIMIT,
  SequenceBlockStore,
} from '../../src/state/sequence-blocks.ts';
import type { StateFiles } from '../../src/state/state-files.ts';

const keyId = '00112233445566778899aabbccddeeff';

/** Directories and the names in them; the disk that all stores share. */
class ModelDisk {
  readonly directories = new Map<string, Set<string>>();

  createDirectory(path: string): boolean {
    if (this.directories.has(path)) return false;
    this.directories.set(path, new Set());
    return true;
  }

  rename(from: string, to: string): boolean {
    const moved = this.directories.get(from);
    if (moved !== undefined) {
      if ((this.directories.get(to)?.size ?? 0) > 0) return false;
      this.directories.delete(from);
      this.directories.set(to, moved);
      return true;
    }
    const [fromDirectory, fromName] = split(from);
    const [toDirectory, toName] = split(to);
    if (this.directories.get(fromDirectory)?.delete(fromName) !== true) return false;
    this.directories.get(toDirectory)?.add(toName);
    return true;
  }
}

function split(path: string): [directory: string, name: string] {
  const slash = path.lastIndexOf('/');
  return [path.slice(0, slash), path.slice(slash + 1)];
}

/** `step` decides when an operation happens; it never returns for a store that died. */
function modelFiles(disk: ModelDisk, step: () => Promise<void>): StateFiles {
  return {
    async list(directory) {
      await step();
      const before = disk.directories.get(directory);
      if (before === undefined) return undefined;
      // A torn listing: low names as they were, high names as they are later.
      const low = [...before].filter((name) => Number(name) % 2 === 0);
      await step();
      const high = [...(disk.directories.get(directory) ?? [])].filter((name) => Number(name) % 2 !== 0);
      return [...low, ...high];
    },
    async createDirectory(path) {
      await step();
      return disk.createDirectory(path);
    },
    async writeSynced(path) {
      await step();
      const [directory, name] = split(path);
      disk.directories.get(directory)?.add(name);
    },
    async rename(from, to) {
      await step();
      return disk.rename(from, to);
    },
    syncDirectory: step,
    async remove(path) {
      await step();
      disk.directories.delete(path);
    },
  };
}

test('any interleaving of stores, deaths included, gives disjoint blocks', async () => {
  let most = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      // For each store: how many blocks it wants, and after how many steps it dies.
      fc.array(
        fc.record({ blocks: fc.integer({ min: 1, max: 4 }), steps: fc.integer({ min: 1, max: 60 }) }),
        {
          minLength: 2,
          maxLength: 4,
        },
      ),
      async (scheduler, lives) => {
        const disk = new ModelDisk();
        const blocks: { first: number; end: number }[] = [];
        const failures: unknown[] = [];
        for (const life of lives) {
          let left = life.steps;
          const dead = new Promise<void>(() => undefined);
          const step = (): Promise<void> => (left-- > 0 ? scheduler.schedule(Promise.resolve()) : dead);
          void (async () => {
            const store = await SequenceBlockStore.open('/state', modelFiles(disk, step));
            for (let i = 0; i < life.blocks; i++) blocks.push(await store.reserve(keyId, SEQUENCE_LIMIT));
          })().catch((error: unknown) => failures.push(error));
        }
        await scheduler.waitIdle();
        expect(failures).toEqual([]);
        most = Math.max(most, blocks.length);
        const ordered = blocks.toSorted((a, b) => a.first - b.first);
        for (const [index, block] of ordered.entries()) {
          expect(block.first).toBeGreaterThanOrEqual(index === 0 ? 1 : (ordered[index - 1]?.end ?? NaN));
          expect(block.end - block.first).toBeGreaterThanOrEqual(SEQUENCE_BLOCK_NUMBERS - 1);
        }
      },
    ),
    { numRuns: 500 },
  );
  // The model did let stores through: with four of them there were runs with many blocks.
  expect(most).toBeGreaterThan(6);
});
