// Threads that load before anybody needs them: each is given out once, and nobody is left behind.

import { expect, test } from 'vitest';
import { SpareThreads } from '../../../src/dataplane/worker-thread.ts';

class Thread {
  hasEnded = false;

  end(): Promise<void> {
    this.hasEnded = true;
    return Promise.resolve();
  }
}

function spareThreads(threads: number): { readonly loaded: Thread[]; readonly spare: SpareThreads<Thread> } {
  const loaded: Thread[] = [];
  const load = (): Thread => {
    const thread = new Thread();
    loaded.push(thread);
    return thread;
  };
  return { loaded, spare: new SpareThreads(threads, load) };
}

test('all of them load at once, and each is given out once', () => {
  const { loaded, spare } = spareThreads(2);
  expect(loaded).toHaveLength(2);
  const taken = [spare.take(), spare.take()];
  expect(new Set(taken)).toEqual(new Set(loaded));
  expect(loaded).toHaveLength(2);
});

test('a worker that takes the place of another one has a thread that is loaded then', () => {
  const { loaded, spare } = spareThreads(1);
  const first = spare.take();
  const second = spare.take();
  expect(second).not.toBe(first);
  expect(loaded).toEqual([first, second]);
});

test('the end is of those that nobody took, and once', async () => {
  const { loaded, spare } = spareThreads(3);
  const taken = spare.take();
  await spare.end();
  expect(loaded.filter(({ hasEnded }) => !hasEnded)).toEqual([taken]);
  // What is asked for later is new, and its owner ends it.
  const late = spare.take();
  await spare.end();
  expect(loaded).toHaveLength(4);
  expect(late.hasEnded).toBe(false);
});
