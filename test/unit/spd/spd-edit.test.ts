import { describe, expect, test } from 'vitest';
import { compileSpd } from '../../../src/spd/compiled-spd.ts';
import {
  addPolicy,
  changePolicy,
  deletePolicy,
  PolicyError,
  reorderPolicies,
} from '../../../src/spd/spd-edit.ts';
import { policy } from '../../support/policies.ts';

const SPD = [policy('a', { priority: 10 }), policy('b', { priority: 10 }), policy('c', { priority: 30 })];
const metOrder = (spd: readonly ReturnType<typeof policy>[]): readonly string[] => compileSpd(1, spd).names;

describe('edits of the SPD-S', () => {
  test('add, delete and change give a new list', () => {
    const before = JSON.stringify(SPD);
    expect(metOrder(addPolicy(SPD, policy('d', { priority: 20 })))).toEqual(['a', 'b', 'd', 'c']);
    expect(metOrder(deletePolicy(SPD, 'a'))).toEqual(['b', 'c']);
    expect(changePolicy(SPD, policy('b', { action: 'DISCARD' })).map(({ action }) => action)).toEqual([
      'PROTECT',
      'DISCARD',
      'PROTECT',
    ]);
    expect(JSON.stringify(SPD)).toBe(before);
  });

  test.each([
    ['a', 'b', 'c'],
    ['c', 'b', 'a'],
    ['b', 'c', 'a'],
  ])('packets meet %s, %s, %s', (...names) => {
    const reordered = reorderPolicies(SPD, names);
    expect(metOrder(reordered)).toEqual(names);
    expect(reordered.map(({ priority }) => priority).toSorted((a, b) => a - b)).toEqual([10, 10, 30]);
  });

  test.each([
    ['a name twice', () => addPolicy(SPD, policy('a'))],
    ['deleting what is not there', () => deletePolicy(SPD, 'z')],
    ['changing what is not there', () => changePolicy(SPD, policy('z'))],
    ['an order that leaves one out', () => reorderPolicies(SPD, ['a', 'b'])],
    ['an order that names one twice', () => reorderPolicies(SPD, ['a', 'b', 'b'])],
    ['an order with a stranger', () => reorderPolicies(SPD, ['a', 'b', 'z'])],
  ])('%s is refused', (_, edit) => {
    expect(edit).toThrow(PolicyError);
  });
});
