import { expect, it } from 'vitest';

import { nearestWord } from '../../../../src/management/config/nearest-word.ts';

const WORDS = ['PROTECT', 'BYPASS', 'tcp', 'udp', 'ah', 'warn'];

it.each([
  ['PROTCT', 'PROTECT'],
  ['protect', 'PROTECT'],
  ['tpc', 'tcp'],
  ['dup', 'udp'],
  ['warning', 'warn'],
  ['allow', undefined],
  ['x', undefined],
  ['', undefined],
  ['p'.repeat(100), undefined],
])('%j is near to %s', (found, nearest) => {
  expect(nearestWord(found, WORDS)).toBe(nearest);
});
