import { describe, expect, test } from 'vitest';
import { SaStates } from '../../../src/sad/sa-state.ts';
import { LOW_WATER_PACKETS, SequenceCounter } from '../../../src/sad/sequence-counter.ts';

describe('sequence counter', () => {
  test('starts at the first number of its block and never passes its end', () => {
    const counter = new SequenceCounter(new SaStates().take(0), { first: 1, end: 4 });
    expect(counter.next()).toBe(1);
    expect(counter.has(3)).toBe(true);
    expect(counter.has(4)).toBe(false);
    counter.take(3);
    expect(counter.has(1)).toBe(false);
    expect(counter.advance()).toBeUndefined();
    expect(counter.has(1)).toBe(false);
  });

  test('moves to the next block and leaves a gap behind rather than go back', () => {
    const counter = new SequenceCounter(new SaStates().take(0), { first: 1, end: 10 });
    counter.take(7);
    counter.grant({ first: 100, end: 110 });
    expect(counter.has(5)).toBe(false);
    expect(counter.advance()).toEqual({ first: 100, end: 110 });
    expect(counter.next()).toBe(100);
  });

  test('goes on where the shared state stands, so that a new worker repeats nothing', () => {
    const state = new SaStates().take(0);
    new SequenceCounter(state, { first: 1, end: 1000 }).take(41);
    expect(new SequenceCounter(state, { first: 1, end: 1000 }).next()).toBe(42);
  });

  test('asks once when numbers run low', () => {
    const counter = new SequenceCounter(new SaStates().take(0), { first: 1, end: 2 * LOW_WATER_PACKETS });
    expect(counter.shouldAsk()).toBe(false);
    counter.take(LOW_WATER_PACKETS);
    expect(counter.shouldAsk()).toBe(true);
    expect(counter.shouldAsk()).toBe(false);
    counter.grant({ first: 2 * LOW_WATER_PACKETS, end: 4 * LOW_WATER_PACKETS });
    expect(counter.shouldAsk()).toBe(false);
  });
});
