// Packets of every kind through real gateways: options, extension headers, Mobility Header, fragments, ICMP errors and
// tunnels inside the tunnel. What arrives is what the policies name. RFC 4301 §4.4.1.1, §5, §6, §7.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { gatewayPlaces, ikeExampleKeys, ikeTwoSites, type Setting } from '../../scripts/lab/site-files.ts';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import { TwoSites } from './two-sites.ts';

const { hostA, hostB } = siteAddresses;
const SENDER = join(import.meta.dirname, 'host-programs/send-kinds.py');
// Not the first python3 of PATH: Debian's packages are for Debian's.
const PYTHON = '/usr/bin/python3';
const FRAGMENTED = ['fragments-443', 'fragments-80', 'ipv6-fragments-443', 'ipv6-fragments-80'];

let sites: TwoSites | undefined;

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

/** Sends the kinds from host A. @returns the marks that host B received, in order */
async function arriving(two: TwoSites, kinds: readonly string[]): Promise<readonly string[]> {
  const link = await two.topology.runOrThrow('gwA', ['cat', '/sys/class/net/inside/address']);
  const finish = await two.captureLoad('hostB', 'eth0', `src host ${hostA.ipv4} or src host ${hostA.ipv6}`);
  const command = [PYTHON, SENDER, link.trim(), hostA.ipv4, hostB.ipv4, hostA.ipv6, hostB.ipv6];
  await two.topology.runOrThrow('hostA', command, { input: kinds.join(' '), timeoutMs: 30_000 });
  // Everything goes one way: what came after has arrived, so what came before has, too.
  expect(await two.ping('hostA', hostB.ipv4, 1)).toBe(1);
  expect(await two.ping('hostA', hostB.ipv6, 1)).toBe(1);
  const capture = (await readFile(await finish())).toString('latin1');
  return [...capture.matchAll(/<([a-z0-9-]+:\d)>/g)].map(([, mark = '']) => mark);
}

const wholes = (kinds: readonly string[]): readonly string[] => kinds.map((kind) => `${kind}:0`);
const pieces = (kinds: readonly string[]): readonly string[] =>
  kinds.flatMap((kind) => [`${kind}:0`, `${kind}:1`, `${kind}:2`]);

test('a policy for two networks carries every kind of packet between them', async () => {
  const kinds = [
    ...['udp', 'tcp', 'options', 'esp-inside', 'ip-in-ip', 'icmp-error'],
    ...['ipv6', 'hop-by-hop', 'destination-options', 'binding-update', 'icmpv6-error'],
  ];
  sites = await TwoSites.build();
  await sites.startBoth();
  expect(await arriving(sites, [...kinds, ...FRAGMENTED])).toEqual([...wholes(kinds), ...pieces(FRAGMENTED)]);
});

test('RFC 4301 §6.2: an ICMP error about a packet of somebody else is dropped and counted', async () => {
  sites = await TwoSites.build();
  await sites.startBoth();
  expect(await arriving(sites, ['icmp-error', 'icmp-error-foreign'])).toEqual(['icmp-error:0']);
  expect(await sites.stop('gwA')).toMatchObject({ 'outbound-icmp-error': 1 });
});

/** The examples with IKE, whose policy has these selectors instead, and others that let pings through. */
async function selecting(
  selectors: Readonly<Record<'gwA' | 'gwB', Readonly<Record<string, unknown>>>>,
): Promise<TwoSites> {
  const two = await TwoSites.build('native', undefined, { sites: ikeTwoSites, keys: ikeExampleKeys });
  for (const place of gatewayPlaces) {
    const [near, far] = place === 'gwA' ? ['a', 'b'] : ['b', 'a'];
    const policy = (
      name: string,
      more: Readonly<Record<string, unknown>>,
    ): Readonly<Record<string, unknown>> => ({
      name,
      priority: 100,
      selectors: { local_address: NETWORKS[near], remote_address: NETWORKS[far], ...more },
      action: 'PROTECT',
      sa: { peer: `site-${far}` },
    });
    const settings: readonly Setting[] = [
      [['policies', 0], policy('chosen', selectors[place])],
      [['policies', 1], policy('ping', { protocol: 'icmp' })],
      [['policies', 2], policy('ping6', { protocol: 'icmpv6' })],
    ];
    await two.configure(place, settings);
  }
  await two.startBoth();
  return two;
}

const NETWORKS: Readonly<Record<string, readonly string[]>> = {
  a: ['10.0.1.0/24', 'fd00:1::/64'],
  b: ['10.0.2.0/24', 'fd00:2::/64'],
};

test('RFC 4301 §7: a policy by port carries the fragments of its port and no others', async () => {
  sites = await selecting({
    gwA: { protocol: 'udp', remote_port: 443 },
    gwB: { protocol: 'udp', local_port: 443 },
  });
  expect(await arriving(sites, ['udp', 'tcp', ...FRAGMENTED])).toEqual([
    'udp:0',
    ...pieces(['fragments-443', 'ipv6-fragments-443']),
  ]);
});

test('RFC 4301 §4.4.1.1: a policy by Mobility Header type carries this type and no other', async () => {
  const selectors = { protocol: 'mobility-header', mobility_header: [5] };
  sites = await selecting({ gwA: selectors, gwB: selectors });
  const kinds = ['binding-update', 'binding-acknowledgement', 'ipv6'];
  expect(await arriving(sites, kinds)).toEqual(['binding-update:0']);
});
