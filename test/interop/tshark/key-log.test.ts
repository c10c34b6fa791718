// A capture of two gateways that tshark reads with nothing but the key log of one of them: what the IKE messages hold
// under encryption, before and after rekeys, and the pings inside of ESP.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ikeExampleKeys, ikeTwoSites, type Setting } from '../../../scripts/lab/site-files.ts';
import { siteAddresses } from '../../../scripts/topology/plan.ts';
import { STORIES } from '../../../src/ike/stories.ts';
import { TwoSites } from '../../system/two-sites.ts';

const { hostB } = siteAddresses;
const PINGS = 3;
const SK = '46';
const TABLES = ['ikev2_decryption_table', 'esp_sa'];

let sites: TwoSites | undefined;

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

/** The values that tshark finds in each packet, field by field. */
function dissect(capture: string, configuration: string, fields: readonly string[]): string[][][] {
  const output = execFileSync(
    'tshark',
    [
      ...['-r', capture, '-n', '-T', 'fields', '-E', 'separator=;', '-E', 'aggregator=,'],
      ...['-o', 'esp.enable_encryption_decode:TRUE'],
      ...fields.flatMap((field) => ['-e', field]),
    ],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, HOME: configuration, XDG_CONFIG_HOME: configuration },
    },
  );
  const lines = output.split('\n').slice(0, -1);
  return lines.map((line) => line.split(';').map((value) => (value === '' ? [] : value.split(','))));
}

test.each([
  ['aes256gcm16-prfsha384-x25519', 'aes128gcm16-x25519'],
  ['aes128-sha256-ecp256', 'aes256-sha512-ecp256'],
])('%s, ESP %s', async (ikeProposal, espProposal) => {
  sites = await TwoSites.build('native', undefined, { sites: ikeTwoSites, keys: ikeExampleKeys });
  const settings: Setting[] = [
    // The capture would hold several packets as one.
    [['udp', 'gso'], false],
    [['peers', 0, 'ike', 'proposals'], [ikeProposal]],
    [['policies', 0, 'sa', 'proposals'], [espProposal]],
  ];
  // tshark looks for its tables in a directory of this name.
  const directory = join(sites.directory, 'configuration', 'wireshark');
  await sites.configure('gwA', [
    ...settings,
    [['ike'], { key_log: directory }],
    [['peers', 0, 'ike', 'lifetime'], { soft: '1s', hard: '60s', jitter: '0s' }],
    [['policies', 0, 'sa', 'lifetime'], { time: { soft: '1s', hard: '60s' } }],
  ]);
  await sites.configure('gwB', settings);
  const endCapture = await sites.capture('udp port 500 or udp port 4500');
  await sites.startBoth();
  expect(await sites.ping('hostA', hostB.ipv4, PINGS)).toBe(PINGS);
  await sites.logged('gwA', STORIES['child-rekeyed'].sentence);
  await sites.logged('gwA', STORIES.rekeyed.sentence);
  expect(await sites.ping('hostA', hostB.ipv4, PINGS)).toBe(PINGS);
  await sites.stop('gwA');
  await sites.stop('gwB');
  const capture = await endCapture();

  for (const table of TABLES) expect(statSync(join(directory, table)).mode & 0o777).toBe(0o600);
  const fields = ['isakmp.exchangetype', 'isakmp.typepayload', 'esp.spi', 'icmp.type'];
  const packets = dissect(capture, join(sites.directory, 'configuration'), fields);
  const encrypted = packets.filter(([, payloads = []]) => payloads.includes(SK));
  const kinds = new Set(encrypted.map(([exchange = []]) => exchange[0]));
  // IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL.
  expect([...kinds].sort()).toEqual(['35', '36', '37']);
  const auth = encrypted.filter(([exchange = []]) => exchange[0] === '35');
  // IDi, AUTH, SA, TSi, TSr; IDr.
  expect(auth[0]?.[1]).toEqual(expect.arrayContaining(['35', '39', '33', '44', '45']));
  expect(auth[1]?.[1]).toEqual(expect.arrayContaining(['36', '39', '33', '44', '45']));
  // Rekeys hold an SA, a nonce and a key; under the next IKE SA there are more of them.
  for (const [, payloads] of encrypted.filter(([exchange = []]) => exchange[0] === '36'))
    expect(payloads).toEqual(expect.arrayContaining(['33', '40', '34']));
  const pings = packets.filter(([, , spi = []]) => spi.length > 0).map(([, , , type = []]) => type[0]);
  expect(pings.filter((type) => type === '8').length).toBe(2 * PINGS);
  expect(pings.filter((type) => type === '0').length).toBe(2 * PINGS);
  expect(pings.length).toBe(4 * PINGS);

  // No key stands anywhere else, and the other gateway, which was not asked, has written none.
  const keys = TABLES.map((table) => readFileSync(join(directory, table), 'utf8'))
    .join('\n')
    .match(/[0-9a-f]{32,}/g);
  expect(keys?.length).toBeGreaterThan(0);
  const others = readdirSync(sites.directory, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.parentPath !== directory && !entry.name.endsWith('.pcap'),
  );
  expect(others.length).toBeGreaterThan(0);
  const texts = others.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8')).join('\n');
  expect((keys ?? []).filter((key) => texts.includes(key))).toEqual([]);
  expect(texts).toContain('THE KEYS OF EVERY TUNNEL ARE WRITTEN');
});
