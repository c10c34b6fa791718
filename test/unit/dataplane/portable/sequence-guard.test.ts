import { describe, expect, it } from 'vitest';
import { SequenceGuard } from '../../../../src/dataplane/portable/sequence-guard.ts';

describe('SequenceGuard', () => {
  it('refuses everything before the first grant', () => {
    const guard = new SequenceGuard(true);
    expect(guard.take(0, 1)).toBe(false);
    expect(guard.take(1, 1)).toBe(false);
  });

  it('takes rising numbers of the block once, gaps included', () => {
    const guard = new SequenceGuard(true);
    guard.grant(10, 20);
    expect(guard.take(9, 1)).toBe(false);
    expect(guard.take(10, 2)).toBe(true);
    expect(guard.take(11, 1)).toBe(false);
    expect(guard.take(15, 1)).toBe(true);
    expect(guard.take(14, 1)).toBe(false);
    expect(guard.take(19, 1)).toBe(true);
    expect(guard.take(20, 1)).toBe(false);
  });

  it('uses up nothing where a run goes beyond the block', () => {
    const guard = new SequenceGuard(true);
    guard.grant(1, 5);
    expect(guard.take(3, 3)).toBe(false);
    expect(guard.take(1, 4)).toBe(true);
  });

  it('forgets what is left of a block when the next is granted', () => {
    const guard = new SequenceGuard(true);
    guard.grant(1, 5);
    guard.grant(5, 9);
    expect(guard.take(4, 1)).toBe(false);
    expect(guard.take(5, 4)).toBe(true);
  });

  it('refuses a block below the end of the one before, even where its numbers were not used', () => {
    const guard = new SequenceGuard(true);
    guard.grant(1, 100);
    expect(() => guard.grant(99, 200)).toThrow(RangeError);
    expect(() => guard.grant(200, 150)).toThrow(RangeError);
    expect(guard.take(99, 1)).toBe(true);
  });

  it('refuses numbers that are no safe integers', () => {
    const guard = new SequenceGuard(true);
    expect(() => guard.grant(1.5, 3)).toThrow(RangeError);
    expect(() => guard.grant(1, 2 ** 53)).toThrow(RangeError);
    expect(() => guard.grant(Number.NaN, 3)).toThrow(RangeError);
  });

  it('never grants a number above 32 bits without ESN (RFC 4303 §3.3.3)', () => {
    const guard = new SequenceGuard(false);
    expect(() => guard.grant(1, 2 ** 32 + 1)).toThrow(RangeError);
    guard.grant(1, 2 ** 32);
    expect(guard.take(2 ** 32 - 1, 1)).toBe(true);
  });

  it('crosses 2^32 with ESN', () => {
    const guard = new SequenceGuard(true);
    guard.grant(2 ** 32 - 1, 2 ** 32 + 2);
    expect(guard.take(2 ** 32 - 1, 3)).toBe(true);
    expect(guard.take(2 ** 32 + 1, 1)).toBe(false);
  });
});
