// Two gateways as etc/ike-site-a.yaml and etc/ike-site-b.yaml describe them: the first packet makes the tunnel and is
// delivered (RFC 4301 §4.4.1, RFC 7296 §1.2). And a peer that has a name in the place of an address.

import { afterEach, expect, test } from 'vitest';
import { ikeExampleKeys, ikeTwoSites } from '../../scripts/lab/site-files.ts';
import { planTopology, siteAddresses } from '../../scripts/topology/plan.ts';
import { STORIES } from '../../src/ike/stories.ts';
import { decodeIkeHeader } from '../../src/wire/ike/ike-header.ts';
import { ExchangeType } from '../../src/wire/ike/iana.ts';
import { readFrames, type CapturedFrame } from './captured-frames.ts';
import { BRIEFLY, TwoSites } from './two-sites.ts';

const { gwA, gwB, hostA, hostB } = siteAddresses;
const UDP_PAYLOAD = 28;
const EXCHANGES = new Map<number, string>(Object.entries(ExchangeType).map(([name, id]) => [id, name]));

let sites: TwoSites | undefined;

async function build(): Promise<TwoSites> {
  sites = await TwoSites.build('native', planTopology('router'), {
    sites: ikeTwoSites,
    keys: ikeExampleKeys,
  });
  return sites;
}

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

/** `203.0.113.1 to 500 IKE_SA_INIT`. */
function describeFrame({ packet }: CapturedFrame): string {
  const port = packet.readUInt16BE(22);
  const payload = packet.subarray(UDP_PAYLOAD);
  const isEsp = port === 4500 && payload.readUInt32BE(0) !== 0;
  const header = isEsp ? undefined : decodeIkeHeader(payload.subarray(port === 4500 ? 4 : 0));
  const what = header === undefined ? 'ESP' : (EXCHANGES.get(header.exchangeType) ?? '');
  return `${packet.subarray(12, 16).join('.')} to ${port} ${what}`;
}

test('the first packet begins IKE; four messages later it goes through the tunnel, and none is lost', async () => {
  const two = await build();
  const end = await two.capture('udp port 500 or udp port 4500');
  await two.startBoth();
  expect(await two.ping('hostA', hostB.ipv4, 10)).toBe(10);
  const frames = await readFrames(await end(5));
  expect(frames.slice(0, 5).map(describeFrame)).toEqual([
    '203.0.113.1 to 500 IKE_SA_INIT',
    '198.51.100.1 to 500 IKE_SA_INIT',
    '203.0.113.1 to 4500 IKE_AUTH',
    '198.51.100.1 to 4500 IKE_AUTH',
    '203.0.113.1 to 4500 ESP',
  ]);
  expect(await two.logLine('gwA', STORIES['init-done'].sentence)).toMatchObject({
    proposal: 'ENCR_AES_GCM_16-256 / PRF_HMAC_SHA2_384 / ECP_256',
  });
});

test('a peer with several addresses: the next one is tried, and it may come from any of them', async () => {
  const two = await build();
  const nowhere = { gwA: '203.0.113.77', gwB: '198.51.100.77' };
  await two.configure('gwA', [
    [
      ['peers', 0, 'address'],
      [nowhere.gwB, gwB.outside.ipv4],
    ],
    [['peers', 0, 'ike', 'remote'], { identity: gwB.outside.ipv4 }],
    [['peers', 0, 'ike', 'retransmit'], { first: '500ms', factor: 1, tries: 1 }],
    [['policies', 0, 'sa', 'start'], 'immediately'],
  ]);
  await two.configure('gwB', [
    [
      ['peers', 0, 'address'],
      [nowhere.gwA, gwA.outside.ipv4],
    ],
    [['peers', 0, 'ike', 'remote'], { identity: gwA.outside.ipv4 }],
    [['policies', 0, 'sa', 'start'], 'never'],
  ]);
  await two.startBoth();
  await two.logged('gwA', STORIES.silent.sentence);
  expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await two.ping('hostB', hostA.ipv4, 3)).toBe(3);
});

test('a peer by DNS name, which does not resolve at first, and a local address by the route', async () => {
  const two = await build();
  await two.overlay('nsswitch.conf', 'hosts: files\n');
  const setHosts = await two.overlay('hosts', '127.0.0.1 localhost\n');
  await two.configure('gwA', [
    [['udp', 'listen'], ['0.0.0.0:4500']],
    [['peers', 0, 'address'], 'gw-b.example.net'],
    [['policies', 0, 'sa', 'start'], 'immediately'],
  ]);
  await two.startBoth();
  expect(
    await two.logLine('gwA', 'the DNS name of the peer does not resolve; trying again later'),
  ).toMatchObject({
    peer: 'site-b',
    name: 'gw-b.example.net',
    retryMs: 1000,
  });
  await setHosts(`192.0.2.1 gw-c.example.net\n${gwB.outside.ipv4} gw-b.example.net\n`);
  await two.logged('gwA', STORIES['child-established'].sentence);
  expect(await two.ping('hostB', hostA.ipv4, 3)).toBe(3);
  expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await two.logLine('gwB', STORIES['init-answered'].sentence)).toMatchObject({
    from: `${gwA.outside.ipv4} 500`,
  });
});

test('a policy by name: the peer that has it comes from anywhere and its packets pass; one with another name gets nothing', async () => {
  const two = await build();
  await two.configure('gwA', [[['peers', 0, 'ike', 'local', 'identity'], 'alice.example.org']]);
  await two.configure('gwB', [
    [['peers', 0, 'address'], 'any'],
    [['peers', 0, 'ike', 'remote', 'identity'], '*'],
    [['policies', 0, 'selectors', 'remote_name'], '*.example.org'],
    [['policies', 0, 'sa', 'start'], undefined],
  ]);
  await two.startBoth();
  expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await two.ping('hostB', hostA.ipv4, 3)).toBe(3);
  await two.configure('gwA', [[['peers', 0, 'ike', 'local', 'identity'], 'alice.example.net']]);
  await two.reload('gwA');
  expect(await two.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
  expect(await two.logLine('gwB', STORIES['no-selectors'].sentence)).toMatchObject({
    audit: 'ts-unacceptable',
    peer: 'site-a',
    identity: 'alice.example.net',
  });
});
