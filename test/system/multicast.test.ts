// Multicast through real gateways: a group crosses the tunnel where a policy names it, as the hellos of a routing daemon
// do, and never because a policy says "any". RFC 4301 §4.4.1.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ikeExampleKeys, ikeTwoSites, type Setting } from '../../scripts/lab/site-files.ts';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import { TwoSites } from './two-sites.ts';

const { hostB, gwA } = siteAddresses;
const PROGRAM = join(import.meta.dirname, 'host-programs/multicast.py');
const TUN = 'isthmus0';
const NAMED = { ipv4: '239.1.2.3', ipv6: 'ff05::1:3' };
const UNNAMED = '239.9.9.9';
/** Many more than the kernel's own packets to groups. */
const TIMES = 50;

let sites: TwoSites | undefined;
let receivers: ChildProcess[] = [];

afterEach(async () => {
  for (const receiver of receivers) receiver.kill();
  receivers = [];
  await sites?.close();
  sites = undefined;
});

/** A policy for groups that site A sends to; the groups are local addresses of site B. */
function groupPolicy(site: 'a' | 'b', groups: readonly string[]): Readonly<Record<string, unknown>> {
  const senders = ['10.0.1.0/24', 'fd00:1::/64'];
  return {
    name: 'groups',
    priority: 50,
    selectors:
      site === 'a'
        ? { local_address: senders, remote_address: groups }
        : { local_address: groups, remote_address: senders },
    action: 'PROTECT',
    sa: { peer: site === 'a' ? 'site-b' : 'site-a' },
  };
}

async function start(settings: Readonly<Record<'gwA' | 'gwB', readonly Setting[]>>): Promise<TwoSites> {
  const two = await TwoSites.build('native', undefined, { sites: ikeTwoSites, keys: ikeExampleKeys });
  sites = two;
  await two.configure('gwA', settings.gwA);
  await two.configure('gwB', settings.gwB);
  await two.startBoth();
  return two;
}

/** Joins the group behind the tunnel. @returns how to wait for every line heard until `end` */
async function listenAtB(two: TwoSites, group: string): Promise<() => Promise<readonly string[]>> {
  const command = ['/usr/bin/python3', PROGRAM, 'receive', group, TUN];
  const receiver = two.topology.spawn('gwB', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  receivers.push(receiver);
  const { stdout } = receiver;
  if (stdout === null) throw new Error('the receiver has no standard output');
  let heard = '';
  stdout.setEncoding('utf8').on('data', (text: string) => (heard += text));
  while (!heard.startsWith('joined')) await once(stdout, 'data');
  const ended = once(receiver, 'close');
  return async () => {
    await ended;
    return heard.trim().split('\n').slice(1);
  };
}

/** Sends from the gateway of site A itself. */
function send(two: TwoSites, group: string, source: string, text: string, times = 1): Promise<unknown> {
  const command = ['/usr/bin/python3', PROGRAM, 'send', group, TUN, source, text, String(times)];
  return two.topology.runOrThrow('gwA', command);
}

test.each(['ipv4', 'ipv6'] as const)(
  'RFC 4301 §4.4.1: a group that a policy names crosses the tunnel, %s',
  async (family) => {
    const groups = ['239.1.2.0/24', 'ff05::1:0/112'];
    const two = await start({
      gwA: [[['policies', 1], groupPolicy('a', groups)]],
      gwB: [[['policies', 1], groupPolicy('b', groups)]],
    });
    const source = gwA.inside[family];
    const heard = await listenAtB(two, NAMED[family]);
    await send(two, NAMED[family], source, 'hello');
    await send(two, NAMED[family], source, 'end');
    expect(await heard()).toEqual([`${source} hello`, `${source} end`]);
  },
);

test('RFC 4301 §4.4.1: a policy for any address carries no group and no broadcast', async () => {
  const any = (peer: string): Readonly<Record<string, unknown>> => ({
    name: 'any',
    priority: 100,
    selectors: {},
    action: 'PROTECT',
    sa: { peer },
  });
  const everything = (peer: string): readonly Setting[] => [
    [['policies', 0], any(peer)],
    [['tun', 'traffic'], 'none'],
  ];
  const two = await start({ gwA: everything('site-b'), gwB: everything('site-a') });
  await two.topology.runOrThrow('gwA', ['ip', 'route', 'add', '10.0.2.0/24', 'dev', TUN]);
  await two.topology.runOrThrow('gwB', ['ip', 'route', 'add', '10.0.1.0/24', 'dev', TUN]);
  expect(await two.ping('hostA', hostB.ipv4, 1)).toBe(1);
  for (const group of [UNNAMED, '255.255.255.255']) await send(two, group, gwA.inside.ipv4, 'hello', TIMES);
  expect(await two.ping('hostA', hostB.ipv4, 1)).toBe(1);
  expect((await two.stop('gwA'))['outbound-multicast']).toBeGreaterThanOrEqual(2 * TIMES);
});
