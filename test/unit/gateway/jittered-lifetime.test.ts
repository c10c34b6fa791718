import { describe, expect, it } from 'vitest';
import { jittered } from '../../../src/gateway/jittered-lifetime.ts';
import { NO_LIFETIME } from '../../../src/spd/sa-lifetime.ts';

const LIFETIME = { ...NO_LIFETIME, timeMs: { soft: 28_800_000, hard: 30_000_000 } };

function softAfter(...bytes: readonly number[]): number | undefined {
  return jittered(LIFETIME, () => Uint8Array.from(bytes)).timeMs?.soft;
}

describe('RFC 7296 §2.8: an SA is replaced a random time before its soft limit', () => {
  it('which is at most a tenth of that', () => {
    expect(softAfter(0, 0, 0, 0)).toBe(28_800_000);
    expect(softAfter(0x80, 0, 0, 0)).toBe(0.95 * 28_800_000);
    expect(softAfter(0xff, 0xff, 0xff, 0xff)).toBeCloseTo(0.9 * 28_800_000, 0);
  });

  it('in steps so small that thousands of SAs do not meet in one', () => {
    const step = (softAfter(0, 1, 0, 0) ?? 0) - (softAfter(0, 2, 0, 0) ?? 0);
    expect(step).toBeGreaterThan(0);
    expect(step).toBeLessThan(50);
  });

  it('leaves the hard limit and what has no limit', () => {
    expect(jittered(LIFETIME, () => new Uint8Array(4).fill(9)).timeMs?.hard).toBe(30_000_000);
    expect(jittered(NO_LIFETIME, () => new Uint8Array(4))).toBe(NO_LIFETIME);
  });
});
