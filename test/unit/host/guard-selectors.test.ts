import { expect, test } from 'vitest';
import { matchesOf, needsMore } from '../../../src/host/guard-selectors.ts';
import { OPAQUE } from '../../../src/spd/policy.ts';
import { ANY } from '../../support/policies.ts';

test('OPAQUE ports are met by what hides its ports, and by nothing else', () => {
  const selectors = { ...ANY, protocol: 6, localPort: [OPAQUE] };
  expect(matchesOf(selectors, 'whole')).toEqual([]);
  expect(needsMore(selectors, 'ports-hidden')).toBe(false);
  expect(matchesOf(selectors, 'ports-hidden')).toEqual(['meta l4proto 6']);
  const mixed = { ...selectors, remotePort: [{ first: 80, last: 80 }] };
  expect(needsMore(mixed, 'ports-hidden')).toBe(true);
  expect(needsMore(selectors, 'protocol-hidden')).toBe(true);
});

test('a Mobility Header type is the third byte of its header', () => {
  const selectors = { ...ANY, protocol: 135, localPort: [{ first: 0x0500, last: 0x05ff }] };
  expect(matchesOf(selectors, 'whole')).toEqual(['meta l4proto 135 @th,16,8 { 5 }']);
});
