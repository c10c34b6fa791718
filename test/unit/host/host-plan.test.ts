import { describe, expect, test } from 'vitest';

import { EnvironmentError } from '../../../src/base/errors.ts';
import { planHostNetwork, type HostNetworkPlan } from '../../../src/host/host-plan.ts';
import type { Policy } from '../../../src/spd/policy.ts';
import { formatPrefix } from '../../../src/host/prefix-cover.ts';
import { closingRouteCommands, ruleText, tunRouteCommands } from '../../../src/host/routing-state.ts';
import { address, facts, path, planInput, policy } from './samples.ts';

const routes = (plan: HostNetworkPlan): string[] =>
  plan.routes
    .filter((route) => route.table === 220)
    .flatMap((route) =>
      route.kind === 'tun'
        ? tunRouteCommands(route, plan.tunName)
        : closingRouteCommands(route, plan.tunName),
    )
    .map((command) => command.replace(/^route replace | table 220 proto 73( metric [0-9]+)?/g, ''));

const siteToSite = policy({
  local: ['10.0.1.0/24', 'fd00:1::/64'],
  remote: ['10.0.2.0/24', 'fd00:2::/64'],
});

test('site to site: a route for each remote prefix, with the local address as source', () => {
  const plan = planHostNetwork(planInput([siteToSite]));
  expect(routes(plan)).toEqual([
    '10.0.2.0/24 dev isthmus0 src 10.0.1.1',
    'fd00:2::/64 dev isthmus0 src fd00:1::1',
  ]);
  const rules = [
    'priority 213 iif lo fwmark 0x4953 lookup main',
    'priority 214 iif isthmus0-clear lookup main',
    'priority 215 iif isthmus0-clear unreachable',
    'priority 216 iif isthmus0 lookup 221',
    'priority 217 iif isthmus0 lookup main',
    'priority 218 iif isthmus0 unreachable',
    'priority 219 fwmark 0x4953 lookup main',
    'priority 220 not fwmark 0x4953 lookup 220',
  ];
  expect(plan.rules.map((rule) => `${String(rule.family)}: ${ruleText(rule)}`)).toEqual([
    ...rules.map((rule) => `4: ${rule}`),
    ...rules.map((rule) => `6: ${rule}`),
  ]);
  expect(plan.tunMtu).toBe(1438);
  expect(plan.tunHasIpv6).toBe(true);
  expect(plan.warnings).toEqual([]);
});

test('DISCARD makes routes as PROTECT does, beneath the address that the host would take itself', () => {
  const plan = planHostNetwork(planInput([policy({ action: 'DISCARD', remote: ['198.18.0.0/15'] })]));
  expect(routes(plan)).toEqual(['198.18.0.0/15 dev isthmus0 src 203.0.113.1']);
  expect(plan.addresses).toEqual([]);
});

test('BYPASS makes no route; no route, no rule', () => {
  const plan = planHostNetwork(planInput([policy({ action: 'BYPASS', remote: ['192.0.2.0/24'] })]));
  expect(plan.routes).toEqual([]);
  expect(plan.rules).toEqual([]);
});

test('a family is routed only where both selectors have it', () => {
  const plan = planHostNetwork(
    planInput([
      policy({ local: ['10.0.1.0/24'] }),
      policy({ remote: ['fd00:2::/64'], local: ['10.0.1.0/24'] }),
    ]),
  );
  expect(routes(plan)).toEqual(['0.0.0.0/0 dev isthmus0 src 10.0.1.1', 'throw 10.0.1.0/24']);
  expect(new Set(plan.rules.map((rule) => rule.family))).toEqual(new Set([4]));
});

test('a range becomes prefixes; what two policies share is routed once, for the one that is met first', () => {
  const plan = planHostNetwork(
    planInput([
      policy({ name: 'second', priority: 20, local: ['203.0.113.1'], remote: ['10.0.2.4', '10.0.3.0/24'] }),
      policy({ name: 'first', priority: 10, local: ['10.0.1.0/24'], remote: ['10.0.2.1-10.0.2.4'] }),
    ]),
  );
  expect(routes(plan)).toEqual([
    '10.0.2.1/32 dev isthmus0 src 10.0.1.1',
    '10.0.2.2/31 dev isthmus0 src 10.0.1.1',
    '10.0.2.4/32 dev isthmus0 src 10.0.1.1',
    '10.0.3.0/24 dev isthmus0 src 203.0.113.1',
  ]);
});

describe('the local network inside the remote selector', () => {
  test('is thrown back to the main table, so that decrypted packets reach it', () => {
    const plan = planHostNetwork(planInput([policy({ local: ['10.0.1.0/24', 'fd00:1::/64'] })]));
    expect(routes(plan)).toEqual([
      '0.0.0.0/0 dev isthmus0 src 10.0.1.1',
      'throw 10.0.1.0/24',
      '::/0 dev isthmus0 src fd00:1::1',
      'throw fd00:1::/64',
      'throw fe80::/10',
    ]);
  });

  test('so is every network of the protected side, but none of the unprotected', () => {
    const plan = planHostNetwork(planInput([policy({})]));
    expect(routes(plan)).toEqual([
      '0.0.0.0/0 dev isthmus0 src 10.0.1.1',
      '::/0 dev isthmus0 src fd00:1::1',
      'throw 10.0.1.0/24',
      'throw fd00:1::/64',
      'throw fe80::/10',
    ]);
  });

  test('with guard: none, unprotected are the devices that lead to peers', () => {
    const plan = planHostNetwork(planInput([policy({ remote: ['0.0.0.0/0'] })], { unprotected: undefined }));
    expect(routes(plan)).toEqual(['0.0.0.0/0 dev isthmus0 src 10.0.1.1', 'throw 10.0.1.0/24']);
  });

  test('loses against a policy that protects the same prefix', () => {
    const wide = policy({ priority: 1, local: ['10.0.1.0/24'] });
    const exact = policy({ priority: 2, local: ['10.9.0.0/16'], remote: ['10.0.1.0/24'] });
    expect(routes(planHostNetwork(planInput([wide, exact])))).toContain('10.0.1.0/24 dev isthmus0');
  });
});

describe('the source of a route', () => {
  test('is left out where no address is inside the local selectors, and the log says what that means', () => {
    const plan = planHostNetwork(planInput([policy({ local: ['10.7.0.0/16'], remote: ['10.0.2.0/24'] })]));
    expect(routes(plan)).toEqual(['10.0.2.0/24 dev isthmus0']);
    expect(plan.explanations.join()).toContain('the gateway itself cannot');
  });

  test('is not an address that still is tentative', () => {
    const tentative = facts({
      addresses: [{ address: address('fd00:1::1'), device: 'lan0', prefixBits: 64, tentative: true }],
    });
    const plan = planHostNetwork(
      planInput([policy({ local: ['fd00:1::/64'], remote: ['fd00:2::/64'] })], { facts: tentative }),
    );
    expect(routes(plan)).toEqual(['fd00:2::/64 dev isthmus0']);
    expect(plan.warnings.join()).toContain('fd00:1::1 on lan0 is still tentative');
  });

  test('is the address towards the peer only where there is no other', () => {
    const outerOnly = facts({
      addresses: [{ address: address('203.0.113.1'), device: 'wan0', prefixBits: 24, tentative: false }],
    });
    const any = policy({ remote: ['10.0.2.0/24'] });
    expect(routes(planHostNetwork(planInput([any])))).toEqual(['10.0.2.0/24 dev isthmus0 src 10.0.1.1']);
    expect(routes(planHostNetwork(planInput([any], { facts: outerOnly })))).toEqual([
      '10.0.2.0/24 dev isthmus0 src 203.0.113.1',
    ]);
  });
});

describe('IPv6 switched off', () => {
  const off = facts({ ipv6Enabled: false });

  test('is an error where a policy names IPv6 addresses', () => {
    const plan = (): HostNetworkPlan => planHostNetwork(planInput([siteToSite], { facts: off }));
    expect(plan).toThrow(EnvironmentError);
    expect(plan).toThrow('policy a-to-b names IPv6 addresses, but IPv6 is switched off on this host');
  });

  test('is a note where IPv6 is only part of any', () => {
    const plan = planHostNetwork(planInput([policy({})], { facts: off }));
    expect(routes(plan)).toEqual(['0.0.0.0/0 dev isthmus0 src 10.0.1.1', 'throw 10.0.1.0/24']);
    expect(plan.tunHasIpv6).toBe(false);
    expect(plan.explanations).toContain(
      'IPv6 is switched off on this host: policy a-to-b is applied to IPv4 only',
    );
  });
});

test('without a mark there is one rule, for every packet', () => {
  const plan = planHostNetwork(planInput([policy({ remote: ['10.0.2.0/24'] })], { mark: 0 }));
  expect(plan.rules.map(ruleText).slice(5)).toEqual(['priority 220 lookup 220']);
});

test('a TUN MTU below 1280 makes no IPv6 interface', () => {
  const narrow = facts({ paths: [path('site-b', '198.51.100.1', 1200)] });
  const plan = planHostNetwork(planInput([policy({ remote: ['10.0.2.0/24'] })], { facts: narrow }));
  expect(plan.tunMtu).toBe(1138);
  expect(plan.tunHasIpv6).toBe(false);
});

describe('all traffic to the TUN', () => {
  const all = (changes: Parameters<typeof planInput>[1] = {}): HostNetworkPlan =>
    planHostNetwork(planInput([siteToSite], { traffic: 'all', ...changes }));

  test('is everything but the networks of the protected side', () => {
    expect(routes(all())).toEqual([
      '10.0.2.0/24 dev isthmus0 src 10.0.1.1',
      'fd00:2::/64 dev isthmus0 src fd00:1::1',
      '0.0.0.0/0 dev isthmus0 src 203.0.113.1',
      '::/0 dev isthmus0',
      'throw 10.0.1.0/24',
      'throw fd00:1::/64',
      'throw fe80::/10',
    ]);
  });

  test('leads nothing that was decrypted back into the TUN', () => {
    expect(all().routes.filter((route) => route.table === 221)).toEqual([]);
  });
});

test('none: no route, no rule, only the TUN', () => {
  const plan = planHostNetwork(planInput([siteToSite], { traffic: 'none' }));
  expect([plan.routes, plan.rules]).toEqual([[], []]);
  expect(plan.tunHasIpv6).toBe(true);
});

describe('hub and spoke', () => {
  const transit = (...policies: readonly Policy[]): string[] =>
    planHostNetwork(
      planInput(policies, {
        facts: facts({ paths: [path('b', '198.51.100.1'), path('c', '198.51.100.2')] }),
      }),
    )
      .routes.filter((route) => route.table === 221)
      .map((route) => `${route.kind} ${formatPrefix(route.destination)}`);
  const spoke = (peer: string, local: string, remote: string): Policy =>
    policy({ name: `to-${peer}`, peer, local: [local], remote: [remote] });

  test('what comes from one spoke for another goes into the TUN again', () => {
    const routed = transit(spoke('b', '10.0.0.0/8', '10.0.2.0/24'), spoke('c', '10.0.0.0/8', '10.0.3.0/24'));
    expect(routed).toEqual(['tun 10.0.2.0/24', 'tun 10.0.3.0/24']);
  });

  test('not where the policies do not let one reach the other', () => {
    const routed = transit(spoke('b', '10.0.1.0/24', '10.0.2.0/24'), spoke('c', '10.0.0.0/8', '10.0.3.0/24'));
    expect(routed).toEqual([]);
  });

  test('two policies of one peer are no hub', () => {
    const routed = transit(spoke('b', '10.0.0.0/8', '10.0.2.0/24'), spoke('b', '10.0.0.0/8', '10.0.3.0/24'));
    expect(routed).toEqual([]);
  });

  test('the local network is never transit', () => {
    const routed = transit(spoke('b', '0.0.0.0/0', '10.0.2.0/24'), spoke('c', '0.0.0.0/0', '0.0.0.0/0'));
    expect(routed).toContain('throw 10.0.1.0/24');
    expect(routed).toContain('tun 10.0.2.0/24');
  });
});
