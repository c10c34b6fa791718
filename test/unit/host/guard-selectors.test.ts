import { expect, test } from 'vitest';
import { matchesOf, needsMore } from '../../../src/host/guard-selectors.ts';
import { OPAQUE } from '../../../src/spd/policy.ts';
import { ANY } from '../../support/policies.ts';

/** "Any" leaves groups out, as the SPD does. */
const ANY_IPV4 =
  'ip saddr { 0.0.0.0-223.255.255.255, 240.0.0.0-255.255.255.254 } ip daddr { 0.0.0.0-223.255.255.255, 240.0.0.0-255.255.255.254 }';
const ANY_IPV6 =
  'ip6 saddr { ::-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff } ip6 daddr { ::-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff }';

test('OPAQUE ports are met by what hides its ports, and by nothing else', () => {
  const selectors = { ...ANY, protocol: 6, localPort: [OPAQUE] };
  expect(matchesOf(selectors, 'whole')).toEqual([]);
  expect(needsMore(selectors, 'ports-hidden')).toBe(false);
  expect(matchesOf(selectors, 'ports-hidden')).toEqual([
    `${ANY_IPV4} meta l4proto 6`,
    `${ANY_IPV6} meta l4proto 6`,
  ]);
  const mixed = { ...selectors, remotePort: [{ first: 80, last: 80 }] };
  expect(needsMore(mixed, 'ports-hidden')).toBe(true);
  expect(needsMore(selectors, 'protocol-hidden')).toBe(true);
});

test('a Mobility Header type is matched in IPv6 alone, where nftables can read it', () => {
  const selectors = { ...ANY, protocol: 135, localPort: [{ first: 0x0500, last: 0x05ff }] };
  expect(matchesOf(selectors, 'whole')).toEqual([`${ANY_IPV6} meta l4proto 135 mh type { 5 }`]);
});
