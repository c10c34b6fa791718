// How long handshakes take, seen from two engines with a clock that the test moves.

import { expect, test } from 'vitest';
import { HandshakeTimes } from '../../../src/gateway/handshake-times.ts';
import { IkeNetwork } from '../../support/ike-network.ts';

function watch(net: IkeNetwork, name: 'a' | 'b'): HandshakeTimes {
  const times = new HandshakeTimes();
  const known = new Set<string>();
  net.site(name).watchers.push((before, after) => {
    times.look(before);
    if (after.phase === 'established' && !known.has(after.origin.initiatorSpi)) {
      known.add(after.origin.initiatorSpi);
      times.established(after, net.nowMs);
    }
    if (after.phase === 'closed') times.forget(after);
  });
  return times;
}

test('both sides count each handshake once, with the time since its first message', async () => {
  const net = new IkeNetwork();
  const both = [watch(net, 'a'), watch(net, 'b')];
  await net.connect();
  const all = both.flatMap(({ figures }) => [figures.initiator, figures.responder]);
  expect(all.map(({ count }) => count).toSorted()).toEqual([0, 0, 1, 1]);
  for (const { buckets, count, sum } of all) {
    expect(buckets.at(-1)).toEqual({ bound: Infinity, count });
    // Cumulative.
    const counts = buckets.map((bucket) => bucket.count);
    expect(counts).toEqual(counts.toSorted((one, other) => one - other));
    expect(sum).toBeGreaterThanOrEqual(0);
  }
});

test('a time lies in the first bucket that holds it; without a beginning there is none', () => {
  const times = new HandshakeTimes();
  const state = {
    localSpi: '0000000000000001',
    role: 'initiator',
    phase: 'connecting',
    lastHeardMs: 1000,
  } as never;
  times.established(state, 5000);
  expect(times.figures.initiator.count).toBe(0);
  times.look(state);
  times.established(state, 1100);
  const { buckets, sum } = times.figures.initiator;
  expect(sum).toBeCloseTo(0.1);
  expect(buckets.find(({ count }) => count > 0)?.bound).toBe(0.1);
  times.established(state, 9000);
  expect(times.figures.initiator.count).toBe(1);
});
