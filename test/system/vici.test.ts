// Debian's swanctl on gateways that run: what it shows, what it does, what it is told. Two gateways with IKE, and beside
// their tunnel a peer with certificates, a peer that is keyed by hand, and policies without a peer.

import { statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ikeExampleKeys, ikeTwoSites, exampleKeys } from '../../scripts/lab/site-files.ts';
import { planTopology, siteAddresses } from '../../scripts/topology/plan.ts';
import { writePem } from '../../src/pki/pem.ts';
import { STORIES } from '../../src/ike/stories.ts';
import { Authority, newKeys } from '../support/lab-authority.ts';
import { ViciCaller } from '../support/vici-caller.ts';
import { Swanctl } from './swanctl.ts';
import { TwoSites } from './two-sites.ts';

const { gwA, gwB, hostB } = siteAddresses;
const DAY_MS = 24 * 3_600_000;
const TODAY = { notBeforeMs: Date.now() - DAY_MS, notAfterMs: Date.now() + DAY_MS };

let sites: TwoSites;
let swanctl: Swanctl;
let socket: string;

beforeAll(async () => {
  sites = await TwoSites.build('native', planTopology('router'), {
    sites: ikeTwoSites,
    keys: [...ikeExampleKeys, ...exampleKeys],
  });
  socket = join(sites.files.runtimeDirectory('gwA'), 'isthmus.vici');
  swanctl = new Swanctl(socket);
  await addOthers(sites);
  // Its socket is somebody else's already, which it says; the tunnel does not care.
  await sites.configure('gwB', [[['management', 'vici', 'socket'], socket]]);
  await sites.start('gwA');
  await sites.start('gwB');
});

afterAll(async () => {
  await swanctl.close();
  await sites.close();
});

/** Peers and policies of site A that no packet meets. */
async function addOthers({ directory }: TwoSites): Promise<void> {
  const root = new Authority('C=DE, O=Lab, CN=Root', { change: TODAY });
  const keys = newKeys('ecdsa-p256');
  const certificate = root.issue('gw-a.example.org', keys.publicKey, TODAY);
  await writeFile(join(directory, 'a.pem'), writePem('CERTIFICATE', certificate));
  await writeFile(join(directory, 'a.key'), writePem('PRIVATE KEY', keys.privateKey), { mode: 0o600 });
  await writeFile(join(directory, 'ca.pem'), writePem('CERTIFICATE', root.der));
  const policy = (name: string, priority: number, net: string): object => ({
    ...{ name, priority, selectors: { local_address: '10.0.1.0/24', remote_address: net } },
  });
  await sites.configure('gwA', [
    [
      ['peers', 1],
      {
        name: 'site-c',
        address: '192.0.2.77',
        ike: {
          local: { certificate: 'a.pem', private_key: { file: 'a.key' }, identity: 'gw-a.example.org' },
          remote: { identity: 'gw-c.example.org', authorities: ['ca.pem'] },
          retransmit: { first: '100ms', factor: 1, tries: 1 },
        },
      },
    ],
    [['peers', 2], { name: 'site-d', address: '192.0.2.78' }],
    [['policies', 1], { ...policy('to-c', 200, '10.77.0.0/24'), action: 'PROTECT', sa: { peer: 'site-c' } }],
    [
      ['policies', 2],
      {
        ...policy('to-d', 300, '10.78.0.0/24'),
        action: 'PROTECT',
        sa: {
          peer: 'site-d',
          proposal: 'aes256gcm16',
          manual: {
            outbound: { spi: 0x1001, key: { file: 'keys/a-to-b.key' } },
            inbound: { spi: 0x1002, key: { file: 'keys/b-to-a.key' } },
          },
        },
      },
    ],
    [['policies', 3], { ...policy('past', 400, '10.79.0.0/24'), action: 'BYPASS' }],
    [['policies', 4], { ...policy('away', 500, '10.80.0.0/24'), action: 'DISCARD' }],
    [['policies', 4, 'selectors', 'protocol'], 'tcp'],
    [['policies', 4, 'selectors', 'remote_port'], 25],
  ]);
}

/** A whole run without a word of complaint. */
function shown(...args: readonly string[]): string {
  const { status, text } = swanctl.run(...args);
  expect(text).not.toMatch(/failed|\(null\)/);
  expect(status).toBe(0);
  return text;
}

function refused(...args: readonly string[]): string {
  const { status, text } = swanctl.run(...args);
  expect(status).not.toBe(0);
  return text;
}

describe('swanctl shows', () => {
  test('who answers, on a socket for its owner alone; a second gateway says that it is in use', async () => {
    expect(shown('--version', '--daemon')).toMatch(/ isthmus \(Linux, /);
    expect(shown('--stats')).toMatch(
      /uptime: \d+ second[^]*IKE_SAs: \d total[^]*loaded plugins: native node:crypto/,
    );
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(
      await sites.logLine('gwB', 'swanctl cannot connect: the vici socket could not be opened'),
    ).toMatchObject({ reason: expect.stringContaining('is in use') as string });
  });

  test('the connections', () => {
    const text = shown('--list-conns');
    expect(text).toContain(`site-b: IKEv2, no reauthentication, rekeying every 77760s, dpd delay 30s
  local:  ${gwA.outside.ipv4}
  remote: ${gwB.outside.ipv4}
  local pre-shared key authentication:
    id: ${gwA.outside.ipv4}
  remote pre-shared key authentication:
    id: ${gwB.outside.ipv4}
  site-a-to-site-b: TUNNEL, rekeying every 25920s, dpd action is trap
    local:  10.0.1.0/24 fd00:1::/64
    remote: 10.0.2.0/24 fd00:2::/64
`);
    expect(text).toContain(`  local public key authentication:
    id: gw-a.example.org
    certs: C=DE, O=Lab, CN=gw-a.example.org
  remote public key authentication:
    id: gw-c.example.org
    cacerts: C=DE, O=Lab, CN=Root
`);
    expect(text).toContain('site-d: keyed by hand');
  });

  test('the policies', () => {
    expect(shown('--list-pols')).toBe(`site-b/site-a-to-site-b, TUNNEL
  local:  10.0.1.0/24 fd00:1::/64
  remote: 10.0.2.0/24 fd00:2::/64
site-c/to-c, TUNNEL
  local:  10.0.1.0/24
  remote: 10.77.0.0/24
site-d/to-d, TUNNEL
  local:  10.0.1.0/24
  remote: 10.78.0.0/24
past, PASS
  local:  10.0.1.0/24
  remote: 10.79.0.0/24
away, DROP
  local:  10.0.1.0/24[tcp]
  remote: 10.80.0.0/24[tcp/25]
`);
    expect(shown('--list-pols', '--drop')).toMatch(/^away, DROP/);
  });

  test('certificates and authorities', () => {
    const text = shown('--list-certs');
    expect(text).toMatch(/subject: {2}"C=DE, O=Lab, CN=gw-a.example.org"[^]*ECDSA 256 bits, has private key/);
    expect(text).toMatch(/List of X.509 CA Certificates[^]*subject: {2}"C=DE, O=Lab, CN=Root"/);
    expect(shown('--list-certs', '--flag', 'ca')).not.toContain('gw-a.example.org');
    expect(shown('--list-authorities')).toContain('C=DE, O=Lab, CN=Root');
  });

  test('algorithms and counters', () => {
    const text = shown('--list-algs');
    expect(text).toMatch(
      /aead:[^]* {2}AES_GCM_16\[native, node:crypto\][^]*dh:[^]* {2}CURVE_25519\[node:crypto\]/,
    );
    expect(shown('--counters')).toMatch(/global:\n {2}ike-rekey-init +: 0\n/);
    expect(refused('--counters', '--name', 'site-b')).toContain('whole gateway only');
  });

  test('SAs that are keyed by hand, and that they stay as they are', () => {
    expect(shown('--list-sas', '--ike', 'site-d')).toMatch(
      /^site-d: #0, MANUAL, [^]*to-d: #1, reqid \d+, INSTALLED, TUNNEL-in-UDP, ESP:AES_GCM_16-256[^]*in {2}00001002,[^]*out 00001001,/,
    );
    expect(refused('--rekey', '--child', 'to-d')).toContain('keyed by hand and cannot be rekeyed');
    expect(refused('--terminate', '--ike', 'site-d')).toContain('keyed by hand');
    expect(refused('--initiate', '--child', 'to-d')).toContain('keyed by hand');
  });
});

describe('swanctl does', () => {
  test('initiate, rekey and terminate, while others listen', async () => {
    const log = await swanctl.listen('--log', 1);
    const monitor = await swanctl.listen('--monitor-sa', 2);
    const raw = await ViciCaller.connect(socket);
    await raw.register('ike-rekey');
    await raw.register('child-rekey');

    const initiated = shown('--initiate', '--child', 'site-a-to-site-b');
    expect(initiated).toContain('[IKE] IKE_SA_INIT sent');
    expect(initiated).toContain('[IKE] Child SA established');
    expect(initiated).toMatch(/initiate completed successfully\n$/);
    expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
    expect(shown('--list-sas', '--ike', 'site-b')).toMatch(
      new RegExp(`^site-b: #1, ESTABLISHED, IKEv2, [0-9a-f]{16}_i\\* [0-9a-f]{16}_r
  local  '${gwA.outside.ipv4}' @ ${gwA.outside.ipv4}\\[4500\\]
  remote '${gwB.outside.ipv4}' @ ${gwB.outside.ipv4}\\[4500\\]
  AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_256
  established \\d+s ago, rekeying in \\d+s, expires in \\d+s
  site-a-to-site-b: #1, reqid \\d+, INSTALLED, TUNNEL-in-UDP, ESP:AES_GCM_16-256
    installed \\d+s ago, rekeying in \\d+s, expires in \\d+s
    in  [0-9a-f]{8},    252 bytes,     3 packets,     \\ds ago
    out [0-9a-f]{8},    252 bytes,     3 packets,     \\ds ago
    local  10.0.1.0/24 fd00:1::/64
    remote 10.0.2.0/24 fd00:2::/64
$`),
    );
    expect(shown('--list-sas', '--raw', '--ike', 'site-b')).toMatch(
      /^list-sa event {site-b {uniqueid=1 version=2 state=ESTABLISHED .*child-sas {site-a-to-site-b-1 {.*packets-in=3 .*}}}}\nlist-sas reply {}\n$/,
    );

    expect(shown('--rekey', '--child', 'site-a-to-site-b')).toContain('rekey completed successfully');
    expect(await raw.next()).toMatchObject({
      name: 'child-rekey',
      message: {
        'site-b': {
          'child-sas': { 'site-a-to-site-b-2': { old: { uniqueid: '1' }, new: { uniqueid: '2' } } },
        },
      },
    });
    expect(shown('--rekey', '--ike', 'site-b')).toContain('rekey completed successfully');
    expect(await raw.next()).toMatchObject({
      name: 'ike-rekey',
      message: { 'site-b': { old: { uniqueid: '1' }, new: { uniqueid: '2' } } },
    });
    expect(await sites.ping('hostA', hostB.ipv4, 2)).toBe(2);
    expect(shown('--list-sas', '--ike-id', '2')).toMatch(/site-b: #2, ESTABLISHED[^]*site-a-to-site-b: #2/);

    expect(shown('--terminate', '--child', 'site-a-to-site-b')).toContain('terminate completed successfully');
    expect(shown('--list-sas', '--child', 'site-a-to-site-b')).toBe('');
    expect(shown('--initiate', '--ike', 'site-b')).toContain('initiate completed successfully');
    expect(shown('--terminate', '--ike', 'site-b')).toContain('terminate completed successfully');
    await sites.logged('gwB', STORIES.deleted.sentence);
    expect(shown('--list-sas', '--ike', 'site-b')).toBe('');

    const counters = shown('--counters');
    expect(counters).toMatch(/ike-rekey-init +: 1\n[^]*child-rekey +: 1\n[^]*ike-init-out-req +: 1\n/);
    expect(counters).toMatch(/create-child-out-req +: 3\n/);
    expect(shown('--counters', '--reset')).toContain('reset-counters completed successfully');
    expect(shown('--counters')).toMatch(/ike-init-out-req +: 0\n/);

    raw.socket.destroy();
    await log.end(/\d\d\[IKE\] IKE_SA_INIT sent [^]*\[IKE\] IKE SA rekeyed /);
    const heads = (await monitor.end(/#2, DELETING[^]*#2, DELETING/))
      .split('\n')
      .filter((line) => /#\d/.test(line));
    expect(heads.map((line) => line.replace(/, (reqid|IKEv2).*/, '').replace(/, INSTALLED.*/, ''))).toEqual([
      'site-b: #1, ESTABLISHED',
      'site-b: #1, ESTABLISHED',
      '  site-a-to-site-b: #1',
      'site-b: #2, ESTABLISHED',
      '  site-a-to-site-b: #2',
      'site-b: #2, ESTABLISHED',
      '  site-a-to-site-b: #3',
      'site-b: #2, DELETING',
      '  site-a-to-site-b: #3',
      'site-b: #2, DELETING',
    ]);
  });

  test('what fails says so: a peer that is silent, a time that is over, names that there are not', () => {
    expect(refused('--initiate', '--child', 'to-c')).toContain("initiate failed: establishing 'to-c' failed");
    expect(refused('--initiate', '--child', 'nothing')).toContain("there is no PROTECT policy 'nothing'");
    expect(refused('--terminate', '--ike', 'nobody')).toContain('no matching SAs to terminate found');
    expect(refused('--rekey', '--ike', 'nobody')).toContain('no matching SAs to rekey found');
    expect(refused('--install', '--child', 'nothing')).toContain('configuration name not found');
    expect(refused('--uninstall', '--child', 'to-c')).toContain('stays as long as its configuration does');
    expect(shown('--install', '--child', 'to-c')).toContain('completed successfully');
  });

  test('by force, and again after a gateway that was killed left its socket behind', async () => {
    shown('--initiate', '--child', 'site-a-to-site-b');
    expect(shown('--terminate', '--ike', 'site-b', '--force')).toContain('terminate completed successfully');
    expect(shown('--list-sas', '--ike', 'site-b')).toBe('');
    sites.kill('gwA');
    await sites.start('gwA');
    expect(shown('--version', '--daemon')).toContain('isthmus');
  });
});
