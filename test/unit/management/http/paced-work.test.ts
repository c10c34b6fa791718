// One piece of work at a time, with a pause of twenty times what it took.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PacedWork } from '../../../../src/management/http/paced-work.ts';
import { RefusedRequest } from '../../../../src/management/http/refused-request.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

const took = (result: string, busyMs: number) => () => Promise.resolve({ result, busyMs });

test('the next begins when the pause is over, and in the order of asking', async () => {
  const paced = new PacedWork();
  const begun: string[] = [];
  const ask = (name: string) =>
    paced.run(() => {
      begun.push(name);
      return Promise.resolve({ result: name, busyMs: 10 });
    });
  const answers = ['a', 'b', 'c'].map(ask);
  expect(await answers[0]).toBe('a');
  await vi.advanceTimersByTimeAsync(199);
  expect(begun).toEqual(['a']);
  await vi.advanceTimersByTimeAsync(1);
  expect(begun).toEqual(['a', 'b']);
  await vi.advanceTimersByTimeAsync(200);
  expect(await Promise.all(answers)).toEqual(['a', 'b', 'c']);
});

test('a few wait; whoever comes then is told to come again', async () => {
  const paced = new PacedWork();
  await paced.run(took('first', 1000));
  const waiting = Array.from({ length: 8 }, () => paced.run(took('late', 0)));
  const refused = await paced.run(took('never', 0)).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RefusedRequest);
  expect((refused as RefusedRequest).reply).toMatchObject({ status: 429, headers: { 'Retry-After': '1' } });
  await vi.advanceTimersByTimeAsync(20_100);
  expect(await Promise.all(waiting)).toEqual(Array.from({ length: 8 }, () => 'late'));
  expect(await paced.run(took('again', 0))).toBe('again');
});

test('work that fails gives its turn away', async () => {
  const paced = new PacedWork();
  await expect(paced.run(() => Promise.reject(new TypeError('it broke')))).rejects.toThrow('it broke');
  const after = paced.run(took('after', 0));
  await vi.advanceTimersByTimeAsync(1000);
  expect(await after).toBe('after');
});
