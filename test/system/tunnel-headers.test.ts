// What real gateways put on a real wire: outer TTL, DSCP, DF, padding, dummy packets and keepalives; and a path that is
// narrower than the gateways' own links, over both families outside. RFC 4301 §5.1.2, §8; RFC 4303 §2.6, §2.7; RFC 3948 §4.

import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import type { Setting } from '../../scripts/lab/site-files.ts';
import { TwoSites } from './two-sites.ts';

const { gwA, gwB, hostA, hostB } = siteAddresses;
const SA = ['policies', 0, 'sa'] as const;

let sites: TwoSites;

afterEach(async () => {
  await sites.close();
});

/** Starts tcpdump where the wan meets gwA. @returns its lines, once it has seen so many packets */
async function watch(packets: number, filter: string): Promise<() => Promise<string[]>> {
  const command = ['tcpdump', '-i', 'toA', '-n', '-t', '-v', '-l', '--immediate-mode', '-Z', 'root'];
  const count = ['-c', String(packets)];
  const tcpdump = sites.topology.spawn('wan', [...command, ...count, filter], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { stdout, stderr } = tcpdump;
  if (stdout === null || stderr === null) throw new Error('tcpdump has no output');
  const lines = text(stdout);
  await once(stderr, 'data');
  return async () => (await lines).split('\n').filter((line) => line.startsWith('IP'));
}

const fromA = `src host ${gwA.outside.ipv4} and udp src port 4500`;

test('TTL 64, DSCP as configured, DF as the inner packet has it', async () => {
  sites = await TwoSites.build();
  await sites.configure('gwA', [[[...SA, 'dscp'], 'ef']]);
  await sites.startBoth();
  const headers = await watch(4, fromA);
  for (const discovery of ['do', 'dont'])
    await sites.topology.runOrThrow('hostA', [
      ...['ping', '-c', '2', '-i', '0.05', '-W', '2', '-t', '9', '-M', discovery, hostB.ipv4],
    ]);
  const lines = await headers();
  // EF is 46; tcpdump shows the whole byte.
  expect(lines.map((line) => /tos (\w+),.* ttl (\d+),/.exec(line)?.slice(1))).toEqual(
    Array.from({ length: 4 }, () => ['0xb8', '64']),
  );
  expect(lines.map((line) => line.includes('flags [DF]'))).toEqual([true, true, false, false]);
});

test('padded packets have one length, and dummy packets fill the silence', async () => {
  sites = await TwoSites.build();
  await sites.configure('gwA', [
    [[...SA, 'tfc_padding'], 'mtu'],
    [[...SA, 'dummy_packets'], 20],
  ]);
  await sites.startBoth();
  const headers = await watch(12, fromA);
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  const lengths = (await headers()).map((line) => /length (\d+)\)/.exec(line)?.[1]);
  expect(lengths).toEqual(Array.from({ length: 12 }, () => '1500'));
  expect((await sites.stop('gwB'))['inbound-dummy']).toBeGreaterThan(5);
});

test('keepalives leave while nothing else does', async () => {
  sites = await TwoSites.build();
  await sites.configure('gwA', [[['udp', 'nat_keepalive'], '1s']]);
  await sites.start('gwA');
  // A UDP header and one byte, which is 0xff.
  const keepalives = await watch(
    2,
    `${fromA} and dst host ${gwB.outside.ipv4} and udp[4:2] = 9 and udp[8] = 0xff`,
  );
  expect(await keepalives()).toHaveLength(2);
});

describe.each([
  // Less IP, UDP, ESP header, IV, ICV and trailer, to a multiple of four.
  ['IPv4', gwA.outside.ipv4, gwB.outside.ipv4, 1238],
  ['IPv6', gwA.outside.ipv6, gwB.outside.ipv6, 1218],
])('%s outside, over a link of 1300 bytes', (_, addressA, addressB, mtu) => {
  const listen = (address: string): string =>
    address.includes(':') ? `[${address}]:4500` : `${address}:4500`;
  const settings = (own: string, peer: string): Setting[] => [
    [['udp', 'listen'], [listen(own)]],
    [['peers', 0, 'address'], peer],
  ];

  /** What ping is told of the path, by whoever tells it. */
  async function learnedMtu(from: 'hostA' | 'hostB', to: string): Promise<number> {
    const { stdout, stderr } = await sites.topology.run(from, [
      'ping',
      '-n',
      '-c',
      '1',
      '-W',
      '1',
      '-M',
      'do',
      '-s',
      '1372',
      to,
    ]);
    return Number(/mtu ?= ?(\d+)/.exec(stdout + stderr)?.[1] ?? 0);
  }

  test('hosts learn its MTU, TCP goes through, and what may be fragmented arrives', async () => {
    sites = await TwoSites.build();
    const { topology } = sites;
    await sites.configure('gwA', settings(addressA, addressB));
    await sites.configure('gwB', settings(addressB, addressA));
    await sites.startBoth();
    // After the start: what the gateways know of it, they learn. A hears of it from the router, B has it at its own link.
    await topology.runOrThrow('wan', ['ip', 'link', 'set', 'toB', 'mtu', '1300']);
    await topology.runOrThrow('gwB', ['ip', 'link', 'set', 'outside', 'mtu', '1300']);
    await expect.poll(() => learnedMtu('hostA', hostB.ipv4), { timeout: 20_000 }).toBe(mtu);
    await expect.poll(() => learnedMtu('hostB', hostA.ipv4), { timeout: 20_000 }).toBe(mtu);

    // RFC 4301 §8.2.2: the routes into the TUN have it too, and no packet is lost any more.
    for (const gateway of ['gwA', 'gwB'] as const) {
      const routes = async (): Promise<string> =>
        topology.runOrThrow(gateway, ['ip', 'route', 'show', 'table', '220']);
      await expect.poll(routes, { timeout: 20_000 }).toContain(`mtu ${mtu}`);
    }

    for (const [from, to] of [
      ['hostA', hostB.ipv4],
      ['hostB', hostA.ipv4],
    ] as const) {
      const large = ['ping', '-n', '-c', '3', '-i', '0.1', '-W', '2', '-M', 'dont', '-s', '4000', to];
      expect((await topology.run(from, large)).stdout).toContain(' 3 received');
    }
    // RFC 8200 §5: packets of 1280 bytes get through whatever the path.
    const ipv6 = ['ping', '-n', '-c', '3', '-i', '0.1', '-W', '2', '-s', '1232', hostB.ipv6];
    expect((await topology.run('hostA', ipv6)).stdout).toContain(' 3 received');

    const server = topology.spawn('hostB', ['iperf3', '-s', '-1', '--forceflush'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    if (server.stdout !== null) await once(server.stdout, 'data');
    const sent = await topology.runOrThrow('hostA', ['iperf3', '-c', hostB.ipv4, '-t', '1', '-J']);
    const { end } = JSON.parse(sent) as { end: { sum_received: { bytes: number } } };
    expect(end.sum_received.bytes).toBeGreaterThan(1_000_000);
  });
});
