// What stays of a gateway in its host: killed, stopped either way, never started. Nothing passes in clear meanwhile,
// which the wan sees.

import { afterEach, describe, expect, test } from 'vitest';
import { program } from '../../scripts/lab/site-files.ts';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import { withWebHost } from '../../scripts/topology/wider-plans.ts';
import { dissect, INNER_IN_CLEAR, restInClear } from './host-policies.ts';
import { BRIEFLY, TwoSites } from './two-sites.ts';

const { hostA, hostB } = siteAddresses;

let sites: TwoSites | undefined;

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

async function withWeb(): Promise<TwoSites> {
  return (sites = await TwoSites.build('native', withWebHost));
}

async function isthmus(two: TwoSites, command: 'guard' | 'cleanup'): Promise<void> {
  await two.topology.runOrThrow('gwA', [
    process.execPath,
    program,
    command,
    '-c',
    two.files.configuration('gwA'),
  ]);
}

/** Everything that a gateway sets in a host, as text. */
async function hostState(two: TwoSites): Promise<string> {
  const commands = [
    ['ip', 'rule', 'show'],
    ['ip', '-6', 'rule', 'show'],
    ['ip', 'route', 'show', 'table', 'all'],
    ['nft', 'list', 'ruleset'],
  ];
  return (await Promise.all(commands.map((command) => two.topology.runOrThrow('gwA', command)))).join('');
}

/** Sends to site B while `act` happens. @returns the packets of site A that the wan saw in clear */
async function seenInClear(two: TwoSites, act: () => Promise<void> | void): Promise<string[][]> {
  const finish = await two.capture(INNER_IN_CLEAR);
  const pings = [hostB.ipv4, hostB.ipv6].map((address) =>
    two.topology.run('hostA', ['ping', '-n', '-c', '60', '-i', '0.05', '-W', '1', address]),
  );
  pings.push(two.topology.run('gwA', ['ping', '-n', '-c', '60', '-i', '0.05', '-W', '1', hostB.ipv4]));
  await act();
  await Promise.all(pings);
  return dissect(await finish(), 'ip || ipv6', 'ip.src', 'ipv6.src');
}

test.each(['policy', 'all'])(
  'traffic %s: killed while packets flow, no path in clear remains',
  async (traffic) => {
    const two = await withWeb();
    await two.configure('gwA', [[['tun', 'traffic'], traffic]]);
    await two.startBoth();
    expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
    const inClear = await seenInClear(two, () => {
      two.kill('gwA');
    });
    expect(inClear).toEqual([]);
    expect(await two.ping('hostA', hostB.ipv4, 2, BRIEFLY)).toBe(0);
    // The protected side itself goes on.
    expect(await two.ping('gwA', hostA.ipv4, 2)).toBe(2);
    // The next start finds what was left, and the tunnel is there again.
    await two.start('gwA');
    expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
  },
);

describe('SIGTERM', () => {
  test('on_stop: closed leaves guard and unreachable routes; cleanup takes them away', async () => {
    const two = await withWeb();
    const untouched = await hostState(two);
    await two.startBoth();
    const inClear = await seenInClear(two, async () => {
      await two.stop('gwA');
    });
    expect(inClear).toEqual([]);
    const state = await hostState(two);
    expect(state).toContain('unreachable 10.0.2.0/24');
    expect(state).toContain('table inet isthmus_isthmus0');
    await isthmus(two, 'cleanup');
    expect(await hostState(two)).toBe(untouched);
  });

  test('on_stop: open leaves nothing', async () => {
    const two = await withWeb();
    await two.configure('gwA', [[['gateway', 'on_stop'], 'open']]);
    const untouched = await hostState(two);
    await two.start('gwA');
    await two.stop('gwA');
    expect(await hostState(two)).toBe(untouched);
  });
});

test('isthmus guard closes the host before there are interfaces, and a start takes over', async () => {
  const two = await withWeb();
  await two.topology.runOrThrow('gwA', ['ip', 'link', 'set', 'outside', 'name', 'later0']);
  await isthmus(two, 'guard');
  await two.topology.runOrThrow('gwA', [
    'sh',
    '-ec',
    'ip link set later0 down; ip link set later0 name outside',
  ]);
  await two.topology.runOrThrow('gwA', [
    'sh',
    '-ec',
    'ip link set outside up; ip route add default via 203.0.113.254',
  ]);
  const inClear = await seenInClear(two, () => undefined);
  expect(inClear).toEqual([]);
  // The wan knows the way to site A, and the guard is there already.
  expect(await two.ping('web', hostA.ipv4, 2, BRIEFLY)).toBe(0);
  await two.startBoth();
  expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
});

test('a start with another mark and other policies replaces what a killed gateway left', async () => {
  const two = await withWeb();
  await two.configure('gwA', [[['udp', 'mark'], 0x77], ...restInClear]);
  await two.start('gwA');
  two.kill('gwA');
  await two.configure('gwA', [
    [['udp', 'mark'], 0x1500],
    [['policies', 2], undefined],
    [['policies', 1], undefined],
  ]);
  await two.startBoth();
  const state = await hostState(two);
  expect(state).not.toContain('fwmark 0x77');
  expect(state).not.toContain('bypass-');
  expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
  await two.stop('gwA');
  await isthmus(two, 'cleanup');
  const clean = await hostState(two);
  expect(clean).not.toMatch(/isthmus|lookup 22[01]|unreachable/);
});

test('a start that fails leaves the host as it found it', async () => {
  const two = await withWeb();
  const untouched = await hostState(two);
  await two.configure('gwA', [[['udp', 'listen'], ['198.51.100.99:4500']]]);
  await expect(two.start('gwA')).rejects.toThrow('EADDRNOTAVAIL');
  expect(await hostState(two)).toBe(untouched);
});
