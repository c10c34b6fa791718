// Which routes into the TUN get the path MTU that was learned of a peer.

import { expect, test } from 'vitest';
import { parseAddress } from '../../../src/base/address.ts';
import { limitRoutes } from '../../../src/host/route-mtu.ts';
import { PROTECTED_TABLE, type HostRoute } from '../../../src/host/route-plan.ts';
import type { Policy } from '../../../src/spd/policy.ts';
import { ANY, policy, prefix, SA_SPECIFICATION } from '../../support/policies.ts';

function route(text: string, kind: HostRoute['kind'] = 'tun'): HostRoute {
  const [address = '', bits] = text.split('/');
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new Error(text);
  return {
    table: PROTECTED_TABLE,
    destination: { address: parsed, bits: Number(bits) },
    kind,
    source: undefined,
  };
}

const to = (peer: string, ...remote: readonly string[]): Policy =>
  policy(peer, {
    selectors: { ...ANY, remoteAddress: remote.map(prefix) },
    sa: { ...SA_SPECIFICATION, peer },
  });

const policies = [
  to('b', '10.0.2.0/24', 'fd00:2::/64'),
  to('c', '10.0.3.0/24', '10.0.2.128/25'),
  policy('rest', { action: 'DISCARD' }),
];
const mtus = (routes: readonly HostRoute[], rooms: readonly (readonly [string, number])[]) =>
  limitRoutes(routes, policies, new Map(rooms)).map(({ mtu }) => mtu);

// A room of 1272 bytes holds 1238 of AES-GCM: less 8 of header, 8 of IV, 16 of ICV and 2 of trailer.
test('a route has the MTU of the path that its packets take', () => {
  expect(mtus([route('10.0.2.0/25'), route('10.0.3.0/24')], [['b', 1272]])).toEqual([1238, undefined]);
});

test('of two peers the narrower path counts', () => {
  expect(
    mtus(
      [route('10.0.2.0/24')],
      [
        ['b', 1272],
        ['c', 1172],
      ],
    ),
  ).toEqual([1138]);
});

test('IPv6 keeps 1280', () => {
  expect(mtus([route('fd00:2::/64')], [['b', 1272]])).toEqual([1280]);
});

test('a default route is as narrow as any of them', () => {
  expect(mtus([route('0.0.0.0/0')], [['c', 1172]])).toEqual([1138]);
});

test('routes that lead nowhere, and paths of which nothing is known, have none', () => {
  expect(mtus([route('10.0.2.0/24', 'throw')], [['b', 1272]])).toEqual([undefined]);
  expect(mtus([route('10.0.2.0/24')], [])).toEqual([undefined]);
});
