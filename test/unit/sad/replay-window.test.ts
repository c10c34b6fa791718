// RFC 4303 §3.4.3 and RFC 6479: duplicates, reordering, far jumps, and extended sequence numbers (Appendix A2.2).

import { describe, expect, test } from 'vitest';
import { ReplayBitmaps, Replay, ReplayWindow } from '../../../src/sad/replay-window.ts';
import { SaStates, SaField, type SaState } from '../../../src/sad/sa-state.ts';

function createWindow(packets: number): { window: ReplayWindow; state: SaState } {
  const state = new SaStates().take(0);
  return { window: new ReplayWindow(packets, new ReplayBitmaps().take(packets), state), state };
}

const TWO_32 = 2 ** 32;

describe('anti-replay window', () => {
  test('takes each number once, in any order inside the window', () => {
    const { window } = createWindow(64);
    for (const number of [1, 3, 2, 64, 40]) expect(window.accept(number)).toBe(Replay.fresh);
    for (const number of [1, 2, 3, 40, 64]) expect(window.accept(number)).toBe(Replay.seen);
    expect(window.accept(5)).toBe(Replay.fresh);
  });

  test('a check changes nothing', () => {
    const { window, state } = createWindow(64);
    expect(window.check(7)).toBe(Replay.fresh);
    expect(window.check(7)).toBe(Replay.fresh);
    expect(state[SaField.sequence]).toBe(0);
  });

  test.each([32, 64, 1024, 8192])('is exactly %i packets wide', (packets) => {
    const { window } = createWindow(packets);
    const right = 10 * packets + 17;
    expect(window.accept(right)).toBe(Replay.fresh);
    expect(window.accept(right - packets)).toBe(Replay.tooOld);
    expect(window.accept(right - packets + 1)).toBe(Replay.fresh);
    expect(window.accept(right - packets + 1)).toBe(Replay.seen);
  });

  test('a far jump forgets everything left of the new window and nothing inside it', () => {
    const { window } = createWindow(128);
    for (let number = 1; number <= 100; number++) window.accept(number);
    expect(window.accept(1_000_000)).toBe(Replay.fresh);
    for (let number = 1_000_000 - 127; number < 1_000_000; number++)
      expect(window.check(number)).toBe(Replay.fresh);
    expect(window.check(100)).toBe(Replay.tooOld);
  });

  test('a jump of exactly the ring keeps no stale bit', () => {
    const { window } = createWindow(32);
    window.accept(5);
    window.accept(5 + 64);
    expect(window.check(5 + 63)).toBe(Replay.fresh);
    expect(window.check(5 + 64)).toBe(Replay.seen);
  });

  test('width 0 takes everything and still knows the highest number', () => {
    const { window, state } = createWindow(0);
    expect(window.accept(9)).toBe(Replay.fresh);
    expect(window.accept(9)).toBe(Replay.fresh);
    expect(window.accept(3)).toBe(Replay.fresh);
    expect(state[SaField.sequence]).toBe(9);
  });

  test('goes over 2^32 with extended sequence numbers', () => {
    const { window } = createWindow(64);
    for (const number of [TWO_32 - 2, TWO_32 + 1, TWO_32 - 1, TWO_32])
      expect(window.accept(number)).toBe(Replay.fresh);
    for (const number of [TWO_32 - 2, TWO_32 - 1, TWO_32, TWO_32 + 1])
      expect(window.accept(number)).toBe(Replay.seen);
  });
});

describe('high half of an extended sequence number, RFC 4303 Appendix A2.2', () => {
  const right = (value: number, packets = 64): ReplayWindow => {
    const { window } = createWindow(packets);
    window.accept(value);
    return window;
  };

  test('case A: the window lies in one subspace', () => {
    const window = right(5 * TWO_32 + 1000);
    expect(window.inferHigh(1000)).toBe(5);
    expect(window.inferHigh(1000 - 63)).toBe(5);
    expect(window.inferHigh(1000 - 64)).toBe(6);
    expect(window.inferHigh(0xffffffff | 0)).toBe(5);
  });

  test('case B: the window spans two subspaces', () => {
    const window = right(5 * TWO_32 + 10);
    expect(window.inferHigh(10)).toBe(5);
    expect(window.inferHigh(-53)).toBe(4);
    expect(window.inferHigh(-54)).toBe(5);
    expect(window.inferHigh(500)).toBe(5);
  });

  test('the first window has nothing before it', () => {
    expect(right(10).inferHigh(-1)).toBe(-1);
    expect(createWindow(64).window.inferHigh(1)).toBe(0);
  });
});
