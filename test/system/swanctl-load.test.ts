// Debian's swanctl --load-all with plain net-to-net files on gateways whose configuration names no peer: a pre-shared key,
// certificates, and strongSwan at the other end with its own file. Then what is refused, and what is taken away again.

import { readFile, writeFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ikeTwoSites } from '../../scripts/lab/site-files.ts';
import { planTopology, siteAddresses } from '../../scripts/topology/plan.ts';
import { STORIES } from '../../src/ike/stories.ts';
import { writePem } from '../../src/pki/pem.ts';
import { Charon } from '../interop/strongswan/charon.ts';
import { Authority, newKeys } from '../support/lab-authority.ts';
import { Swanctl } from './swanctl.ts';
import { BRIEFLY, TwoSites } from './two-sites.ts';

type Site = 'gwA' | 'gwB';
type Files = Readonly<Record<string, string>>;

const { gwA, gwB, hostA, hostB } = siteAddresses;
const HOSTS = { gwA: gwA.outside.ipv4, gwB: gwB.outside.ipv4 };
const NETS = { gwA: '10.0.1.0/24', gwB: '10.0.2.0/24' };
const OTHER = { gwA: 'gwB', gwB: 'gwA' } as const;
const SECRET = 'a shared secret of the tests';
/** That swanctl looks for. */
const FOLDERS = [
  ...['x509', 'x509ca', 'x509ocsp', 'x509aa', 'x509ac', 'x509crl', 'pubkey'],
  ...['private', 'rsa', 'ecdsa', 'bliss', 'pkcs8', 'pkcs12'],
];
const DAY_MS = 24 * 3_600_000;
const TODAY = { notBeforeMs: Date.now() - DAY_MS, notAfterMs: Date.now() + DAY_MS };

let sites: TwoSites;

beforeAll(async () => {
  sites = await TwoSites.build('native', planTopology('router'), { sites: ikeTwoSites, keys: [] });
  for (const site of ['gwA', 'gwB'] as const)
    await sites.configure(site, [
      [['peers'], []],
      [['policies'], []],
    ]);
  await sites.startBoth();
});

afterAll(async () => {
  await sites.close();
});

function connection(site: Site, local: string, remote: string): string {
  return `connections {
  gw-gw {
    version = 2
    local_addrs = ${HOSTS[site]}
    remote_addrs = ${HOSTS[OTHER[site]]}
    proposals = aes256gcm16-prfsha256-x25519,aes256-sha256-ecp256
    mobike = no
    encap = yes
    dpd_delay = 30s
    rekey_time = 4h
    local { ${local} }
    remote { ${remote} }
    children {
      net-net {
        mode = tunnel
        local_ts = ${NETS[site]}
        remote_ts = ${NETS[OTHER[site]]}
        esp_proposals = aes256gcm16
        start_action = none
        rekey_time = 1h
      }
    }
  }
}
`;
}

function pskFile(site: Site): string {
  return `${connection(site, `auth = psk\n id = ${HOSTS[site]}`, `auth = psk\n id = ${HOSTS[OTHER[site]]}`)}
secrets {
  ike-peer {
    id-1 = ${HOSTS.gwA}
    id-2 = ${HOSTS.gwB}
    secret = "${SECRET}"
  }
}
`;
}

/** swanctl with files of its own for one gateway. */
async function swanctlOf(site: Site, name: string, files: Files): Promise<Swanctl> {
  const directory = join(sites.directory, `${name}-${site}`);
  for (const folder of FOLDERS) await mkdir(join(directory, folder), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text, { mode: 0o600 });
  }
  return new Swanctl(join(sites.files.runtimeDirectory(site), 'isthmus.vici'), directory);
}

function done(swanctl: Swanctl, ...args: readonly string[]): string {
  const { status, text } = swanctl.run(...args);
  expect(text).not.toMatch(/failed:|\(null\)/);
  expect(status).toBe(0);
  return text;
}

test('a pre-shared key: loaded on both sides, the tunnel carries packets; loaded again, it stays', async () => {
  const a = await swanctlOf('gwA', 'psk', { 'swanctl.conf': pskFile('gwA') });
  const b = await swanctlOf('gwB', 'psk', { 'swanctl.conf': pskFile('gwB') });
  for (const one of [a, b])
    expect(done(one, '--load-all')).toMatch(
      /loaded ike secret 'ike-peer'\n[^]*no pools found, 0 unloaded\nloaded connection 'gw-gw'\nsuccessfully loaded 1 connections, 0 unloaded\n/,
    );
  expect(done(a, '--initiate', '--child', 'net-net')).toMatch(/initiate completed successfully\n$/);
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await sites.ping('hostB', hostA.ipv4, 3)).toBe(3);
  expect(done(a, '--list-conns')).toContain('net-net: TUNNEL, rekeying every 3600s');

  // The same again, and the file of the gateway as well: nobody notices.
  for (const one of [a, b]) done(one, '--load-all');
  await sites.reload('gwA');
  done(a, '--reload-settings');
  expect(done(a, '--list-sas')).toMatch(/^gw-gw: #1, ESTABLISHED[^]*net-net: #1, /);
  expect(await sites.ping('hostA', hostB.ipv4, 2)).toBe(2);
  expect(await readFile(sites.files.configuration('gwA'), 'utf8')).not.toContain('gw-gw');

  // Everything away and there again: closed for a moment, then another tunnel.
  done(a, '--load-all', '--clear');
  expect(done(a, '--list-sas')).toBe('');
  expect(done(a, '--initiate', '--child', 'net-net')).toMatch(/initiate completed successfully\n$/);
  expect(await sites.ping('hostA', hostB.ipv4, 2)).toBe(2);
});

test('networks that are not written: a tunnel between the gateways themselves, and IKE goes on beside it', async () => {
  const withoutNetworks = (site: Site): Files => ({
    'swanctl.conf': pskFile(site).replaceAll(/^ *(local|remote)_ts = .*\n/gm, ''),
  });
  const a = await swanctlOf('gwA', 'host', withoutNetworks('gwA'));
  const b = await swanctlOf('gwB', 'host', withoutNetworks('gwB'));
  for (const one of [a, b]) done(one, '--load-all');
  done(a, '--initiate', '--child', 'net-net');
  expect(await sites.ping('gwA', HOSTS.gwB, 3)).toBe(3);
  expect(done(a, '--list-sas')).toMatch(
    new RegExp(`3 packets[^]*local {2}${HOSTS.gwA}/32\n *remote ${HOSTS.gwB}/32\n`),
  );
  done(b, '--rekey', '--ike', 'gw-gw');
  expect(await sites.ping('gwB', HOSTS.gwA, 3)).toBe(3);
});

/** Certificates of both sides by one authority, with an intermediate of site B. */
function certificateFiles(): Readonly<Record<Site, Files>> {
  const root = new Authority('C=DE, O=Lab, CN=Root', { change: TODAY });
  const files = (site: Site): Files => {
    const keys = newKeys(site === 'gwA' ? 'ecdsa-p256' : 'rsa');
    const certificate = root.issue(`${site}.example.org`, keys.publicKey, TODAY);
    return {
      'swanctl.conf': connection(
        site,
        `auth = pubkey\n certs = gw.pem\n id = ${site}.example.org`,
        `auth = pubkey\n id = ${OTHER[site]}.example.org`,
      ),
      'x509/gw.pem': writePem('CERTIFICATE', certificate),
      'private/gw.key': writePem('PRIVATE KEY', keys.privateKey),
      'x509ca/root.pem': writePem('CERTIFICATE', root.der),
    };
  };
  return { gwA: files('gwA'), gwB: files('gwB') };
}

test('certificates in the place of the secret, which goes; then strongSwan with its file at the other end', async () => {
  const files = certificateFiles();
  const a = await swanctlOf('gwA', 'certs', files.gwA);
  const b = await swanctlOf('gwB', 'certs', files.gwB);
  for (const one of [a, b])
    expect(done(one, '--load-all')).toMatch(/loaded connection 'gw-gw'\nsuccessfully loaded 1 connections/);
  // What the connection is made of has changed, so its IKE SA was ended.
  expect(done(a, '--list-sas')).toBe('');
  expect(done(b, '--initiate', '--child', 'net-net')).toMatch(/initiate completed successfully\n$/);
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  const shown = done(a, '--list-certs');
  expect(shown).toMatch(/subject: {2}"C=DE, O=Lab, CN=gwA.example.org"[^]*ECDSA 256 bits, has private key/);

  await sites.stop('gwB');
  const charon = await Charon.start(sites.topology, 'gwB', join(sites.directory, 'strongswan'), {
    configuration: files.gwB['swanctl.conf'] ?? '',
    files: files.gwB,
  });
  try {
    await charon.swanctl('--initiate', '--child', 'net-net', '--timeout', '10');
    expect(await sites.ping('hostB', hostA.ipv4, 3)).toBe(3);
    done(a, '--terminate', '--ike', 'gw-gw');
    expect(done(a, '--initiate', '--child', 'net-net')).toMatch(/initiate completed successfully\n$/);
    expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  } finally {
    await charon.stop();
  }
});

test('what is refused says why, and what is there goes on; a file without connections takes them away', async () => {
  await sites.start('gwB');
  const b = await swanctlOf('gwB', 'again', { 'swanctl.conf': pskFile('gwB') });
  const a = await swanctlOf('gwA', 'again', { 'swanctl.conf': pskFile('gwA') });
  for (const one of [a, b]) done(one, '--load-all');
  done(a, '--initiate', '--child', 'net-net');

  const wrong = pskFile('gwA').replace('mode = tunnel', 'mode = transport');
  const { status, text } = (await swanctlOf('gwA', 'wrong', { 'swanctl.conf': wrong })).run('--load-all');
  expect(status).not.toBe(0);
  expect(text).toContain(
    `loading connection 'gw-gw' failed: children.net-net.mode: found "transport", expected tunnel, pass or drop: `,
  );
  expect(done(a, '--list-sas')).toMatch(/^gw-gw: #\d+, ESTABLISHED/);
  expect(await sites.ping('hostA', hostB.ipv4, 2)).toBe(2);

  // The policy that is left without its secret discards, and the peer hears that the tunnel is gone.
  const secretless = connection('gwA', `auth = psk\n id = ${HOSTS.gwA}`, `auth = psk\n id = ${HOSTS.gwB}`);
  expect((await swanctlOf('gwA', 'none', { 'swanctl.conf': secretless })).run('--load-all').text).toContain(
    `loading connection 'gw-gw' failed: local.auth: found psk, expected a secret of ${HOSTS.gwB}`,
  );
  await sites.logged('gwB', STORIES.deleted.sentence);
  expect(done(a, '--list-pols')).toMatch(/^net-net, DROP\n/);
  expect(await sites.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);

  const empty = await swanctlOf('gwA', 'empty', { 'swanctl.conf': '' });
  expect(done(empty, '--load-all')).toContain('no connections found, 1 unloaded');
  expect(done(a, '--list-pols')).toBe('');
  expect(sites.said('gwA', 'connection unloaded').length).toBe(1);
});
