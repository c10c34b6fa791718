// How long a worker looks before it sleeps, on a clock of the test's.

import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { BusyPolling } from '../../../src/dataplane/busy-polling.ts';
import { allocateCounters, Counter, type Counters } from '../../../src/dataplane/counters.ts';

const SHORTEST = 300;
const LONGEST = 20_000;

let counters: Counters;
let nowMs: number;

beforeEach(() => {
  counters = allocateCounters();
  nowMs = 1000;
});

/** @returns the microseconds granted before a wait of so long, at whose end a packet came */
function wait(polling: BusyPolling, waitedMs: number, packets = 1): number {
  const granted = polling.grant(nowMs);
  nowMs += waitedMs;
  polling.end(nowMs, true);
  counters[Counter.inboundPackets] = counters[Counter.inboundPackets]! + packets;
  return granted;
}

function waits(polling: BusyPolling, times: number, waitedMs: number, packets = 1): number[] {
  return Array.from({ length: times }, () => wait(polling, waitedMs, packets));
}

describe('a look', () => {
  test('is short until packets come soon, and short again after a wait that no look outlasts', () => {
    const polling = new BusyPolling(1, counters);
    const once = [SHORTEST, SHORTEST, SHORTEST, SHORTEST, LONGEST, LONGEST];
    expect(waits(polling, 6, 15)).toEqual(once);
    expect(wait(polling, 20.5)).toBe(LONGEST);
    expect(waits(polling, 6, 15)).toEqual(once);
  });

  test('stays short for a question and an answer now and then', () => {
    const polling = new BusyPolling(1, counters);
    for (let times = 0; times < 100; times++)
      expect([wait(polling, 0.1), wait(polling, 100)]).toEqual([SHORTEST, SHORTEST]);
  });

  test('stays short where nothing comes but the time to do something', () => {
    const polling = new BusyPolling(1, counters);
    for (let times = 0; times < 100; times++) {
      expect(polling.grant(nowMs)).toBe(SHORTEST);
      nowMs += 10;
      polling.end(nowMs, false);
    }
  });

  test.each(['outboundPackets', 'outboundBypassPackets', 'framesHandedOver', 'datagramsHandedOver'] as const)(
    'is none in dense traffic of any kind: %s',
    (name) => {
      const polling = new BusyPolling(1, counters);
      for (let times = 0; times < 20; times++) {
        polling.grant(nowMs);
        nowMs += 0.1;
        polling.end(nowMs, true);
        counters[Counter[name]] = counters[Counter[name]]! + 7;
      }
      expect(polling.grant(nowMs)).toBe(0);
    },
  );

  test('is whole or none where little is saved: answers are found for as long as it lasts', () => {
    const polling = new BusyPolling(0.05, counters);
    const answers: number[] = [];
    for (let times = 0; times < 20_000; times++) {
      answers.push(wait(polling, 0.15));
      wait(polling, 2);
    }
    const late = answers.slice(10_000);
    expect(late.every((granted) => granted === 0 || granted >= SHORTEST)).toBe(true);
    expect(late.filter((granted) => granted > 0).length).toBeGreaterThan(10_000 / 10);
  });

  test('is none in dense traffic, and comes back with sparse', () => {
    const polling = new BusyPolling(1, counters);
    waits(polling, 9, 0.1);
    // 65 packets in each millisecond.
    waits(polling, 20, 0.1, 6.5);
    expect(new Set(waits(polling, 20, 0.1, 6.5))).toEqual(new Set([0]));
    waits(polling, 20, 0.1, 6.4);
    expect(new Set(waits(polling, 20, 0.1, 6.4))).toEqual(new Set([LONGEST]));
  });

  test('takes an eighth of what is saved at most, and what comes later than that is not looked for', () => {
    const polling = new BusyPolling(0.05, counters);
    const answers: number[] = [];
    const questions: number[] = [];
    for (let times = 0; times < 10_000; times++) {
      answers.push(wait(polling, 0.15));
      questions.push(wait(polling, 15));
    }
    // The savings of 2 s last for 125 of 15 ms; from then on one of twenty could be found, less what the answers take.
    expect(questions.slice(10, 120).every((granted) => granted >= 15_000)).toBe(true);
    const found = questions.slice(1000).filter((granted) => granted >= 15_000).length;
    expect(found).toBeGreaterThan(9000 / 200);
    expect(found).toBeLessThan(9000 / 20);
    expect(answers.every((granted) => granted >= 150)).toBe(true);
    const lookedMs = counters[Counter.busyPolledMs]! - 2000;
    expect(lookedMs).toBeLessThanOrEqual(0.05 * (nowMs - 1000));
  });
});

test('off is off, and counts nothing', () => {
  const polling = new BusyPolling(0, counters);
  expect(new Set(waits(polling, 1000, 0.1))).toEqual(new Set([0]));
  expect(counters[Counter.busyPolledMs]).toBe(0);
});

test('what was looked is counted: until the packet came, or the whole look', () => {
  const polling = new BusyPolling(1, counters);
  wait(polling, 0.1);
  expect(counters[Counter.busyPolledMs]).toBeCloseTo(0.1, 9);
  wait(polling, 7);
  expect(counters[Counter.busyPolledMs]).toBeCloseTo(0.1 + 0.3, 9);
});

test('whatever comes when, no more than the share is looked, and what was saved of it', () => {
  const step = fc.record({
    awakeMs: fc.double({ min: 0, max: 10, noNaN: true }),
    waitedMs: fc.oneof(
      fc.double({ min: 0, max: 30, noNaN: true }),
      fc.double({ min: 0, max: 5000, noNaN: true }),
    ),
    packets: fc.integer({ min: 0, max: 100 }),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 100 }),
      fc.array(step, { maxLength: 2000, size: 'max' }),
      (percent, steps) => {
        const cells = allocateCounters();
        const polling = new BusyPolling(percent / 100, cells);
        let atMs = 0;
        let lookedMs = 0;
        for (const { awakeMs, waitedMs, packets } of steps) {
          atMs += awakeMs;
          const granted = polling.grant(atMs);
          expect(granted).toBeGreaterThanOrEqual(0);
          expect(Number.isInteger(granted)).toBe(true);
          lookedMs += Math.min(granted / 1000, waitedMs);
          atMs += waitedMs;
          polling.end(atMs, waitedMs < 10 || packets > 0);
          cells[Counter.outboundPackets] = cells[Counter.outboundPackets]! + packets;
          expect(lookedMs).toBeLessThanOrEqual((percent > 0 ? 2000 : 0) + (percent / 100) * atMs + 1e-6);
        }
      },
    ),
    { numRuns: 50 },
  );
});
