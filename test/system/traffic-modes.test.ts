// Traffic to the TUN in its three ways, with every value of the reverse path filter; and what leaves in clear.

import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { listenOn, canConnect } from '../../scripts/lab/tcp-probe.ts';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import { widerAddresses, withWebHost } from '../../scripts/topology/wider-plans.ts';
import {
  dissect,
  INNER_IN_CLEAR,
  policiesBehind,
  restInClear,
  setReversePathFilter,
} from './host-policies.ts';
import { BRIEFLY, TwoSites } from './two-sites.ts';

const { hostA, hostB, gwA } = siteAddresses;
const { web } = widerAddresses;
const TUN = 'isthmus0';

let sites: TwoSites | undefined;

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

async function withWeb(): Promise<TwoSites> {
  return (sites = await TwoSites.build('native', withWebHost));
}

describe.each([0, 1, 2])('rp_filter %i', (reversePathFilter) => {
  test.each(['policy', 'all'] as const)('traffic: %s', async (traffic) => {
    const two = await withWeb();
    await setReversePathFilter(two, 'gwA', reversePathFilter);
    await two.configure('gwA', [[['tun', 'traffic'], traffic], ...restInClear]);
    await two.startBoth();
    const finish = await two.capture(INNER_IN_CLEAR);
    const received = [
      // Through the tunnel, both ways, both families, and from the gateway itself.
      await two.ping('hostA', hostB.ipv4, 3),
      await two.ping('hostB', hostA.ipv6, 3),
      await two.ping('gwA', hostB.ipv4, 3),
      // In clear, from behind the gateway and from the gateway.
      await two.ping('hostA', web.ipv4, 3),
      await two.ping('hostA', web.ipv6, 3),
      await two.ping('gwA', web.ipv4, 3),
      // To the gateway itself from outside, and to its own protected side.
      await two.ping('web', gwA.outside.ipv4, 3),
      await two.ping('gwA', hostA.ipv4, 3),
    ];
    expect(received).toEqual([3, 3, 3, 3, 3, 3, 3, 3]);
    const toSiteB = await dissect(
      await finish(),
      'ip.addr == 10.0.2.0/24 || ipv6.addr == fd00:2::/64',
      'frame.number',
    );
    expect(toSiteB).toEqual([]);
  });
});

test('PROTECT of everything, with the peer inside it and a strict filter, and a BYPASS exception', async () => {
  const two = await withWeb();
  await setReversePathFilter(two, 'gwA', 1);
  await two.configure('gwA', [
    [
      ['policies', 0, 'selectors', 'remote_address'],
      ['0.0.0.0/0', '::/0'],
    ],
    ...policiesBehind({
      action: 'BYPASS',
      priority: 10,
      selectors: { protocol: 'tcp', remote_port: 443 },
    }),
  ]);
  await two.configure('gwB', [
    [
      ['policies', 0, 'selectors', 'local_address'],
      ['0.0.0.0/0', '::/0'],
    ],
  ]);
  await two.startBoth();
  const close = await listenOn(two.topology, 'web', [443, 80]);
  try {
    expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
    expect(await canConnect(two.topology, 'hostA', web.ipv4, 443)).toBe(true);
    expect(await canConnect(two.topology, 'hostA', web.ipv6, 443)).toBe(true);
    // Protected, so it comes out at site B, whose guard takes no answer for it in clear.
    expect(await canConnect(two.topology, 'hostA', web.ipv4, 80)).toBe(false);
  } finally {
    await close();
  }
});

describe('RFC 4301 §5.1: what a BYPASS policy lets out', () => {
  test('loses one hop at the gateway, none where the gateway itself sent it', async () => {
    const two = await withWeb();
    await two.configure('gwA', [[['tun', 'traffic'], 'all'], ...restInClear]);
    await two.start('gwA');
    const finish = await two.capture(`dst host ${web.ipv4} or dst host ${web.ipv6}`);
    await two.ping('hostA', web.ipv4, 1);
    await two.ping('hostA', web.ipv6, 1);
    await two.ping('gwA', web.ipv4, 1);
    const hops = await dissect(await finish(), 'icmp || icmpv6', 'ip.ttl', 'ipv6.hlim');
    expect(hops).toEqual([
      ['63', ''],
      ['', '63'],
      ['64', ''],
    ]);
    const trace = await two.topology.run('hostA', ['ping', '-n', '-c', '1', '-t', '1', '-W', '2', web.ipv4]);
    expect(trace.stdout).toContain('Time to live exceeded');
  });

  test.each([
    ['IPv4', web.ipv4],
    ['IPv6', web.ipv6],
  ])('leaves as super-packets, and every byte arrives: %s', async (_family, address) => {
    const two = await withWeb();
    await two.configure('gwA', [[['tun', 'traffic'], 'all'], ...restInClear]);
    await two.start('gwA');
    const bytes = 16 * 2 ** 20;
    expect(await download(two, address, bytes)).toBe(String(bytes));
    await two.stop('gwA');
    const { outboundBypassPackets } = await countersOf(two);
    expect(outboundBypassPackets).toBeGreaterThan(0);
    // hostA sends; each of its frames is many segments of at most 1460 bytes.
    expect(outboundBypassPackets! * 4 * 1460).toBeLessThan(bytes);
  });

  test('keeps the translation of addresses that the host does', async () => {
    const two = await withWeb();
    await two.configure('gwA', [[['tun', 'traffic'], 'all'], ...restInClear]);
    const masquerade =
      'table ip nat { chain out { type nat hook postrouting priority 100; oifname "outside" ip saddr 10.0.1.0/24 masquerade; }; }';
    await two.topology.runOrThrow('gwA', ['nft', masquerade]);
    await two.startBoth();
    const finish = await two.capture(`host ${web.ipv4}`);
    expect(await two.ping('hostA', web.ipv4, 3)).toBe(3);
    expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
    const sources = await dissect(await finish(), `icmp.type == 8`, 'ip.src');
    expect(sources.flat()).toEqual(Array(3).fill(gwA.outside.ipv4));
  });
});

describe('traffic: none', () => {
  test('goes where somebody else routes it', async () => {
    const two = await withWeb();
    for (const place of ['gwA', 'gwB'] as const) {
      await two.configure(place, [[['tun', 'traffic'], 'none']]);
      await two.topology.runOrThrow(place, ['ip', 'tuntap', 'add', TUN, 'mode', 'tun', 'multi_queue']);
      await two.start(place);
      const rules = await two.topology.runOrThrow(place, ['ip', 'rule', 'show']);
      expect(rules.split('\n').filter((line) => /^2\d\d:/.test(line))).toEqual([]);
    }
    expect(await two.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
    await two.topology.runOrThrow('gwA', ['ip', 'route', 'add', '10.0.2.0/24', 'dev', TUN]);
    await two.topology.runOrThrow('gwB', ['ip', 'route', 'add', '10.0.1.0/24', 'dev', TUN]);
    const finish = await two.capture(INNER_IN_CLEAR);
    expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
    // A persistent TUN keeps the route, so there is no way in clear without the gateway either.
    two.kill('gwA');
    expect(await two.ping('hostA', hostB.ipv4, 3, BRIEFLY)).toBe(0);
    expect(await dissect(await finish(), 'ip', 'ip.src')).toEqual([]);
  });

  test('a packet in clear that is routed back into the TUN is dropped there', async () => {
    const two = await withWeb();
    await two.configure('gwA', [[['tun', 'traffic'], 'none'], ...restInClear]);
    await two.start('gwA');
    await two.topology.runOrThrow('gwA', ['ip', 'route', 'add', `${web.ipv4}/32`, 'dev', TUN]);
    expect(await two.ping('hostA', web.ipv4, 3, BRIEFLY)).toBe(0);
    expect(await two.stop('gwA')).toMatchObject({ 'guard-loop': 3 });
  });
});

const RECEIVE = `
  let count = 0;
  require('node:net').createServer({ allowHalfOpen: true }, (socket) => socket.on('data', (d) => (count += d.length))
    .on('end', () => socket.end(String(count)))).listen(8080, '::', () => console.log('listening'));
`;
const SEND = `
  const [host, bytes] = process.argv.slice(1);
  const socket = require('node:net').connect({ host, port: 8080, allowHalfOpen: true }, () => socket.end(Buffer.alloc(Number(bytes), 7)));
  socket.setEncoding('utf8').on('data', (text) => process.stdout.write(text));
`;

/** Sends from hostA to the web host. @returns how many bytes the web host says that it got */
async function download({ topology }: TwoSites, address: string, bytes: number): Promise<string> {
  const server = topology.spawn('web', [process.execPath, '-e', RECEIVE], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await new Promise((resolve) => server.stdout!.once('data', resolve));
    const client = [process.execPath, '-e', SEND, '--', address, String(bytes)];
    return await topology.runOrThrow('hostA', client, { timeoutMs: 60_000 });
  } finally {
    server.kill();
  }
}

/** The line of counters in the log of gwA's only start. */
async function countersOf(two: TwoSites): Promise<Record<string, number>> {
  const lines = (await readFile(`${two.files.log('gwA')}.0`, 'utf8')).split('\n');
  const line = lines.find((candidate) => candidate.includes('"msg":"counters"'));
  return JSON.parse(line ?? '{}') as Record<string, number>;
}
