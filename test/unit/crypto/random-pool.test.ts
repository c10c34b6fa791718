import { describe, expect, it, vi } from 'vitest';
import { RandomPool } from '../../../src/crypto/node/random-pool.ts';

const { pages } = vi.hoisted(() => ({ pages: [] as Uint8Array[] }));

/** Random bytes that tell where they come from: every 16-bit word is met once. */
vi.mock('node:crypto', () => {
  let next = 1;
  return {
    randomFillSync: (page: Uint8Array) => {
      const words = new DataView(page.buffer);
      for (let at = 0; at + 1 < page.length; at += 2) words.setUint16(at, next++);
      pages.push(page);
      return page;
    },
  };
});

const wordsOf = (bytes: Uint8Array): number[] => {
  const words = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: bytes.length / 2 }, (_, at) => words.getUint16(2 * at));
};

describe('the pool of random bytes', () => {
  it('gives no byte twice and none that was not drawn, whatever lengths are asked for', () => {
    const pool = new RandomPool();
    const lengths = Array.from({ length: 2000 }, (_, at) => 2 * (1 + ((at * 7) % 33)));
    const words = lengths.flatMap((length) => wordsOf(pool.take(length)));
    expect(words).not.toContain(0);
    expect(new Set(words).size).toBe(words.length);
  });

  it('keeps nothing of what it gave', () => {
    const pool = new RandomPool();
    const taken = pool.take(32);
    const page = pages.at(-1)!;
    expect([...page.subarray(0, 32)]).toEqual(new Array<number>(32).fill(0));
    expect(taken.buffer).not.toBe(page.buffer);
    taken.fill(0);
    expect(wordsOf(pool.take(2))).not.toEqual([0]);
  });

  it.each([4096, 4098, 10_000])('gives %i bytes, too', (length) => {
    const pool = new RandomPool();
    pool.take(6);
    const words = wordsOf(pool.take(length));
    expect(words).toHaveLength(length / 2);
    expect(new Set(words).size).toBe(words.length);
  });
});
