import { describe, expect, test } from 'vitest';

import { EnvironmentError } from '../../../src/base/errors.ts';
import { planHostNetwork, type HostNetworkPlan } from '../../../src/host/host-plan.ts';
import { replaceRouteCommand, ruleText } from '../../../src/host/routing-state.ts';
import { address, facts, path, planInput, policy } from './samples.ts';

const routes = (plan: HostNetworkPlan): string[] =>
  plan.routes.map((route) =>
    replaceRouteCommand(route, plan.tunName).replace('route replace ', '').replace(' table 220 proto 73', ''),
  );

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
  expect(plan.rules.map((rule) => `${String(rule.family)}: ${ruleText(rule)}`)).toEqual([
    '4: priority 219 fwmark 0x4953 lookup main',
    '4: priority 220 not fwmark 0x4953 lookup 220',
    '6: priority 219 fwmark 0x4953 lookup main',
    '6: priority 220 not fwmark 0x4953 lookup 220',
  ]);
  expect(plan.tunMtu).toBe(1438);
  expect(plan.tunHasIpv6).toBe(true);
  expect(plan.warnings).toEqual([]);
});

test('only PROTECT makes routes; no route, no rule', () => {
  const plan = planHostNetwork(
    planInput([
      policy({ action: 'BYPASS', remote: ['192.0.2.0/24'] }),
      policy({ action: 'DISCARD', remote: ['198.18.0.0/15'] }),
    ]),
  );
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
  expect(plan.rules.map((rule) => rule.family)).toEqual([4, 4]);
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
    ]);
  });

  test('is not where the local selector is as wide: any to any', () => {
    const plan = planHostNetwork(planInput([policy({})]));
    expect(routes(plan)).toEqual(['0.0.0.0/0 dev isthmus0 src 10.0.1.1', '::/0 dev isthmus0 src fd00:1::1']);
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
      addresses: [{ address: address('fd00:1::1'), device: 'lan0', tentative: true }],
    });
    const plan = planHostNetwork(
      planInput([policy({ local: ['fd00:1::/64'], remote: ['fd00:2::/64'] })], { facts: tentative }),
    );
    expect(routes(plan)).toEqual(['fd00:2::/64 dev isthmus0']);
    expect(plan.warnings.join()).toContain('fd00:1::1 on lan0 is still tentative');
  });

  test('is the address towards the peer only where there is no other', () => {
    const outerOnly = facts({
      addresses: [{ address: address('203.0.113.1'), device: 'wan0', tentative: false }],
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
    expect(routes(plan)).toEqual(['0.0.0.0/0 dev isthmus0 src 10.0.1.1']);
    expect(plan.tunHasIpv6).toBe(false);
    expect(plan.explanations).toContain(
      'IPv6 is switched off on this host: policy a-to-b is applied to IPv4 only',
    );
  });
});

test('without a mark there is one rule, for every packet', () => {
  const plan = planHostNetwork(planInput([policy({ remote: ['10.0.2.0/24'] })], { mark: 0 }));
  expect(plan.rules.map(ruleText)).toEqual(['priority 220 lookup 220']);
});

test('a TUN MTU below 1280 makes no IPv6 interface', () => {
  const narrow = facts({ paths: [path('site-b', '198.51.100.1', 1200)] });
  const plan = planHostNetwork(planInput([policy({ remote: ['10.0.2.0/24'] })], { facts: narrow }));
  expect(plan.tunMtu).toBe(1138);
  expect(plan.tunHasIpv6).toBe(false);
});
