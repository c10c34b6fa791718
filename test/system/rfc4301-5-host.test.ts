// What arrives in clear, on real gateways: RFC 4301 §5.2 and the default of §4.4.1, by the guard.

import { afterEach, describe, expect, test } from 'vitest';
import { canConnect, listenOn } from '../../scripts/lab/tcp-probe.ts';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import { widerAddresses, withWebHost } from '../../scripts/topology/wider-plans.ts';
import { INSIDE_A, OUTSIDE_A, policiesBehind, type PlainPolicy } from './host-policies.ts';
import { BRIEFLY, TwoSites } from './two-sites.ts';

const { hostA, hostB, gwA } = siteAddresses;
const { web } = widerAddresses;

let sites: TwoSites | undefined;

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

async function withWeb(...policies: readonly PlainPolicy[]): Promise<TwoSites> {
  sites = await TwoSites.build('native', withWebHost);
  await sites.configure('gwA', policiesBehind(...policies));
  return sites;
}

/** Echo requests from the web host, as if from `source`. Nobody waits for answers. */
async function spoof(two: TwoSites, source: string, target: string, count: number): Promise<void> {
  await two.topology.run('web', ['ip', 'address', 'add', source, 'dev', 'lo', 'nodad']);
  await two.topology.run('web', ['ip', 'address', 'add', source, 'dev', 'lo']);
  const pace = ['-c', String(count), '-i', '0.05', '-W', '1'];
  await two.topology.run('web', ['ping', '-n', ...pace, '-I', source, target]);
}

/** Echo requests that a place has seen arrive, of either family. */
async function countEchoes(two: TwoSites, place: 'hostA'): Promise<() => Promise<number>> {
  const rules =
    'table inet seen { counter echoes { }; chain input { type filter hook input priority -400; icmp type 8 counter name echoes; icmpv6 type 128 counter name echoes; }; }';
  await two.topology.runOrThrow(place, ['nft', rules]);
  return async () => {
    const listing = await two.topology.runOrThrow(place, [
      'nft',
      'list',
      'counters',
      'table',
      'inet',
      'seen',
    ]);
    return Number(/packets (\d+)/.exec(listing)?.[1]);
  };
}

test('RFC 4301 §5.2: PROTECT in clear is dropped and counted, both families', async () => {
  const two = await withWeb();
  await two.startBoth();
  const seen = await countEchoes(two, 'hostA');
  await spoof(two, hostB.ipv4, hostA.ipv4, 3);
  await spoof(two, hostB.ipv6, hostA.ipv6, 3);
  expect(await seen()).toBe(0);
  // The same packets in the tunnel get in.
  expect(await two.ping('hostB', hostA.ipv4, 3)).toBe(3);
  expect(await two.ping('hostB', hostA.ipv6, 3)).toBe(3);
  expect(await seen()).toBe(6);
  expect(await two.stop('gwA')).toMatchObject({ 'guard-protect': 6 });
});

test('RFC 4301 §5.2: DISCARD in clear is dropped, BYPASS passes, and the order decides', async () => {
  const two = await withWeb(
    {
      action: 'DISCARD',
      priority: 10,
      selectors: { local_address: INSIDE_A, protocol: 'tcp', local_port: 22 },
    },
    { action: 'BYPASS', selectors: { local_address: INSIDE_A, protocol: 'tcp' } },
  );
  await two.start('gwA');
  const close = await listenOn(two.topology, 'hostA', [22, 80]);
  try {
    expect(await canConnect(two.topology, 'web', hostA.ipv4, 80)).toBe(true);
    expect(await canConnect(two.topology, 'web', hostA.ipv6, 80)).toBe(true);
    expect(await canConnect(two.topology, 'web', hostA.ipv4, 22)).toBe(false);
    expect(await canConnect(two.topology, 'web', hostA.ipv6, 22)).toBe(false);
  } finally {
    await close();
  }
  const drops = await two.stop('gwA');
  expect(drops['guard-discard']).toBeGreaterThanOrEqual(2);
});

test('RFC 4301 §5.2: a PROTECT exception inside a BYPASS range', async () => {
  const two = await withWeb({ action: 'BYPASS', selectors: { remote_address: ['0.0.0.0/0', '::/0'] } });
  await two.startBoth();
  const seen = await countEchoes(two, 'hostA');
  await spoof(two, hostB.ipv4, hostA.ipv4, 3);
  expect(await seen()).toBe(0);
  expect(await two.ping('web', hostA.ipv4, 3)).toBe(3);
  expect(await two.ping('hostA', web.ipv6, 3)).toBe(3);
  expect(await two.ping('hostA', hostB.ipv6, 3)).toBe(3);
  expect(await two.stop('gwA')).toMatchObject({ 'guard-protect': 3 });
});

describe('RFC 4301 §4.4.1: what no policy names is discarded', () => {
  test('this host itself cannot be reached in clear; the tunnel works', async () => {
    const two = await withWeb();
    // They would arrive in clear as well.
    await two.muteListenerReports('wan');
    await two.startBoth();
    expect(await two.ping('web', gwA.outside.ipv4, 3, BRIEFLY)).toBe(0);
    expect(await two.ping('web', gwA.outside.ipv6, 3, BRIEFLY)).toBe(0);
    // Neighbour discovery goes on: the wan still finds gwA.
    await two.topology.runOrThrow('wan', ['ip', 'neigh', 'flush', 'dev', 'toA']);
    expect(await two.ping('hostB', hostA.ipv4, 3)).toBe(3);
    expect(await two.stop('gwA')).toMatchObject({ 'guard-no-policy': 6 });
  });

  test('a BYPASS policy opens what it names, and the other interfaces are not guarded', async () => {
    const two = await withWeb({
      action: 'BYPASS',
      selectors: { local_address: OUTSIDE_A, protocol: 'tcp', local_port: 22 },
    });
    await two.start('gwA');
    const close = await listenOn(two.topology, 'gwA', [22, 80]);
    try {
      expect(await canConnect(two.topology, 'web', gwA.outside.ipv4, 22)).toBe(true);
      expect(await canConnect(two.topology, 'web', gwA.outside.ipv6, 22)).toBe(true);
      expect(await canConnect(two.topology, 'web', gwA.outside.ipv4, 80)).toBe(false);
      expect(await canConnect(two.topology, 'hostA', gwA.inside.ipv4, 80)).toBe(true);
    } finally {
      await close();
    }
  });
});

test('RFC 4301 §8.2: the path MTU that a router tells of for the gateway itself gets past the guard', async () => {
  const two = await withWeb();
  await two.startBoth();
  await two.topology.runOrThrow('wan', ['ip', 'link', 'set', 'toB', 'mtu', '1300']);
  // Larger than the path: the first ones are lost, and the sender is told.
  const command = ['ping', '-c', '10', '-i', '0.2', '-W', '1', '-M', 'do', '-s', '1350', hostB.ipv4];
  const { stdout } = await two.topology.run('hostA', command);
  expect(stdout).toMatch(/Frag needed|Message too long|message too long/);
  expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
});

test('fragments of the gateway’s own datagrams pass', async () => {
  const two = await withWeb();
  for (const place of ['gwA', 'gwB'] as const) await two.configure(place, [[['tun', 'mtu'], 1500]]);
  await two.startBoth();
  // 1500 bytes inside make more than 1500 outside; both gateways must put fragments together.
  const command = ['ping', '-c', '3', '-i', '0.05', '-W', '2', '-s', '1472', '-M', 'dont', hostB.ipv4];
  const { stdout } = await two.topology.run('hostA', command);
  expect(stdout).toContain('3 received');
});
