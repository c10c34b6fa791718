// Two real gateways over real TUNs in namespaces, with manual keys (RFC 4301 §4.5.1): families, transforms, restarts, and what others see on the wire.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { gatewayPlaces } from '../../scripts/lab/site-files.ts';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import { countPackets } from '../support/pcap.ts';
import { TwoSites } from './two-sites.ts';

const { hostA, hostB, gwA, gwB } = siteAddresses;
const PROPOSAL = ['policies', 0, 'sa', 'proposal'] as const;

let sites: TwoSites | undefined;

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

/** tshark's answer for each packet of a capture, one row of fields a packet. */
async function dissect(
  file: string,
  filter: string,
  fields: readonly string[],
  options: readonly string[] = [],
) {
  const columns = fields.flatMap((field) => ['-e', field]);
  const command = ['-r', file, ...options, '-Y', filter, '-T', 'fields', ...columns];
  const { stdout } = await promisify(execFile)('tshark', command);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

describe.each(['native', 'portable'] as const)('%s engine', (engine) => {
  test('carries both families both ways, and from the gateway itself', async () => {
    sites = await TwoSites.build(engine);
    await sites.startBoth();
    const received = [
      await sites.ping('hostA', hostB.ipv4),
      await sites.ping('hostB', hostA.ipv4),
      await sites.ping('hostA', hostB.ipv6),
      await sites.ping('hostB', hostA.ipv6),
    ];
    expect(received).toEqual([5, 5, 5, 5]);
    const own = await sites.topology.run('gwA', ['ping', '-c', '1', '-W', '2', hostB.ipv4]);
    expect(own.exitCode).toBe(0);
  });
});

test.each(['aes128gcm16', 'aes192gcm16', 'chacha20poly1305', 'aes256gcm16-esn'])(
  '%s carries packets',
  async (proposal) => {
    sites = await TwoSites.build();
    for (const key of ['a-to-b', 'b-to-a']) await sites.renewKey(key, proposal.replace('-esn', ''));
    for (const place of gatewayPlaces) await sites.configure(place, [[PROPOSAL, proposal]]);
    await sites.startBoth();
    expect(await sites.ping('hostA', hostB.ipv4)).toBe(5);
    expect(await sites.ping('hostB', hostA.ipv6)).toBe(5);
  },
);

test('the outside can be IPv6', async () => {
  sites = await TwoSites.build();
  const ends = { gwA: gwA.outside.ipv6, gwB: gwB.outside.ipv6 };
  await sites.configure('gwA', [
    [['udp', 'listen'], [`[${ends.gwA}]:4500`]],
    [['peers', 0, 'address'], ends.gwB],
  ]);
  await sites.configure('gwB', [
    [['udp', 'listen'], [`[${ends.gwB}]:4500`]],
    [['peers', 0, 'address'], ends.gwA],
  ]);
  await sites.startBoth();
  expect(await sites.ping('hostA', hostB.ipv4)).toBe(5);
  expect(await sites.ping('hostA', hostB.ipv6)).toBe(5);
});

test('a gateway that was killed and started again never repeats an IV', async () => {
  sites = await TwoSites.build();
  await sites.startBoth();
  const finish = await sites.capture(`udp port 4500 and src host ${gwA.outside.ipv4}`);
  expect(await sites.ping('hostA', hostB.ipv4, 20)).toBe(20);
  sites.kill('gwA');
  await sites.start('gwA');
  expect(await sites.ping('hostA', hostB.ipv4, 20)).toBe(20);
  await sites.stop('gwA');
  await sites.start('gwA');
  expect(await sites.ping('hostA', hostB.ipv4, 20)).toBe(20);
  const file = await finish(60);
  expect(countPackets(await readFile(file))).toBe(60);
  const packets = await dissect(file, 'udp.port == 4500', ['udp.payload']);
  // RFC 4106 §3.1: the eight bytes behind SPI and sequence number.
  const ivs = packets.map(([payload = '']) => payload.slice(16, 32));
  expect(ivs.length).toBe(60);
  expect(new Set(ivs).size).toBe(60);
  expect(ivs.toSorted()).toEqual(ivs);
});

test('tshark, given the keys, sees the ICMP inside', async () => {
  sites = await TwoSites.build();
  await sites.startBoth();
  const finish = await sites.capture();
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  const file = await finish(6);
  const association = (source: string, destination: string, spi: string, key: string): string[] => [
    '-o',
    `uat:esp_sa:"IPv4","${source}","${destination}","${spi}","AES-GCM with 16 octet ICV [RFC4106]","0x${key}","NULL",""`,
  ];
  const echoes = await dissect(
    file,
    'icmp',
    ['icmp.type', 'icmp.seq'],
    [
      ...['-o', 'esp.enable_encryption_decode:TRUE'],
      ...association(gwA.outside.ipv4, gwB.outside.ipv4, '0x0a0b0001', sites.key('a-to-b')),
      ...association(gwB.outside.ipv4, gwA.outside.ipv4, '0x0b0a0001', sites.key('b-to-a')),
    ],
  );
  expect(echoes.map(([type]) => type)).toEqual(['8', '0', '8', '0', '8', '0']);
  expect(await dissect(file, 'icmp', ['icmp.type'])).toEqual([]);
});
