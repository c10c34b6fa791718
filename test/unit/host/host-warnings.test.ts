import { expect, test } from 'vitest';

import type { HostFacts } from '../../../src/host/host-facts.ts';
import { planHostNetwork, type HostPlanInput } from '../../../src/host/host-plan.ts';
import { hostWarnings } from '../../../src/host/host-warnings.ts';
import { facts, path, planInput, policy, type PolicySketch } from './samples.ts';

function warnings(
  sketch: PolicySketch,
  host: Partial<HostFacts>,
  changes: Partial<HostPlanInput> = {},
): readonly string[] {
  const input = planInput([policy(sketch)], { facts: facts(host), ...changes });
  return hostWarnings(input.facts, planHostNetwork(input), {
    guardedInterfaces: undefined,
    policies: input.policies,
    marksArriving: false,
  });
}

const ipv4Only = { local: ['10.0.1.0/24'], remote: ['10.0.2.0/24'] };

test('a host that forwards needs no word', () => {
  expect(warnings(ipv4Only, {})).toEqual([]);
});

test('forwarding that is off is told for the families that are routed', () => {
  const off = { ipv4Forwarding: false, ipv6Forwarding: false };
  const ipv4 =
    'net.ipv4.ip_forward is 0: hosts behind this gateway cannot use the tunnel; run sysctl -w net.ipv4.ip_forward=1';
  expect(warnings(ipv4Only, off)).toEqual([ipv4]);
  expect(warnings({}, off)).toEqual([ipv4, expect.stringContaining('net.ipv6.conf.all.forwarding is 0')]);
});

test('a strict rp_filter counts only where the peer is itself a protected destination', () => {
  const strict = { reversePathFilters: new Map([['wan0', 1]]) };
  expect(warnings(ipv4Only, strict)).toEqual([]);
  expect(warnings({ local: ['10.0.1.0/24'] }, strict)).toEqual([
    'peer site-b (198.51.100.1) is itself a protected destination and net.ipv4.conf.wan0.rp_filter is 1: ' +
      'the kernel drops what it sends; run sysctl -w net.ipv4.conf.wan0.rp_filter=2',
  ]);
  expect(warnings({ local: ['10.0.1.0/24'] }, { reversePathFilters: new Map([['wan0', 2]]) })).toEqual([]);
});

test('a device name with a dot is written as sysctl wants it', () => {
  const vlan = {
    paths: [{ ...path('site-b', '198.51.100.1'), device: 'eth0.5' }],
    reversePathFilters: new Map([['eth0.5', 1]]),
  };
  expect(warnings({ local: ['10.0.1.0/24'] }, vlan).join()).toContain('net.ipv4.conf.eth0/5.rp_filter=2');
});

test('a peer in what is thrown back to the main table is no protected destination', () => {
  const strict = { reversePathFilters: new Map([['wan0', 1]]) };
  expect(warnings({ local: ['198.51.100.0/24'] }, strict)).toEqual([]);
});

test('without a mark, datagrams to a protected peer run in a circle', () => {
  expect(warnings({ local: ['10.0.1.0/24'] }, {}, { mark: 0 }).join()).toContain('udp.mark is 0');
  expect(warnings(ipv4Only, {}, { mark: 0 })).toEqual([]);
});

test('the warnings of the plan come along', () => {
  const narrow = {
    paths: [path('site-b', '198.51.100.1', undefined)].map((one) => ({ ...one, mtu: undefined })),
  };
  expect(warnings(ipv4Only, narrow)).toEqual([expect.stringContaining('there is no route to peer site-b')]);
});
