// Isthmus runs what isthmus import has made of one side's configuration, as it stands, and strongSwan is the other side.

import { spawnSync } from 'node:child_process';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { program } from '../../../scripts/lab/site-files.ts';
import { siteAddresses } from '../../../scripts/topology/plan.ts';
import { STORIES } from '../../../src/ike/stories.ts';
import { certifiedSites } from './certified-sites.ts';
import { PeerSite, type PeerOptions } from './peer-site.ts';

const { gwA, gwB, hostA, hostB } = siteAddresses;

let peer: PeerSite | undefined;

afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

/** Site A with what was imported in the place of its own configuration. @returns what the import said */
async function runImported(options: PeerOptions, files: Readonly<Record<string, string>>): Promise<string> {
  peer = await PeerSite.build(options);
  const { sites } = peer;
  await sites.stop('gwA');
  const directory = join(sites.directory, 'old');
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text, { mode: 0o600 });
  }
  const [first = ''] = Object.keys(files);
  const made = sites.files.configuration('gwA');
  const args = [program, 'import', join(directory, first), '--output', made, '--force'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toContain(`${made}: ok, as isthmus check says; 0 not carried over`);
  expect(status).toBe(0);
  await sites.start('gwA');
  return stderr;
}

async function bothPing(): Promise<void> {
  expect(await peer?.sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await peer?.sites.ping('hostB', hostA.ipv4, 3)).toBe(3);
  expect(peer?.sites.said('gwA', STORIES.established.sentence).length).toBe(1);
}

test('of swanctl.conf with a pre-shared key', async () => {
  await runImported(
    {},
    {
      'swanctl.conf': `defaults { version = 2
  mobike = no
  local { auth = psk }
  remote { auth = psk } }
connections {
  peer : defaults {
    local_addrs = ${gwA.outside.ipv4}
    remote_addrs = ${gwB.outside.ipv4}
    proposals = aes256gcm16-prfsha384-ecp256
    dpd_delay = 30s
    local { id = ${gwA.outside.ipv4} }
    children { net {
        local_ts = 10.0.1.0/24
        remote_ts = 10.0.2.0/24
        esp_proposals = aes256gcm16-x25519
        start_action = trap
    } }
  }
}
include secrets.conf
`,
      'secrets.conf': `secrets { ike-peer {
    id-1 = ${gwA.outside.ipv4}
    id-2 = ${gwB.outside.ipv4}
    secret = "a shared secret of the tests"
} }
`,
    },
  );
  await bothPing();
  const secret = join(peer?.sites.directory ?? '', 'ike-peer.psk');
  expect(((await stat(secret)).mode & 0o777).toString(8)).toBe('600');
});

test('of ipsec.conf with certificates, by an authority below the root', async () => {
  const proofs = certifiedSites({ intermediates: [1, 0], kinds: ['rsa', 'ecdsa-p256'] });
  const [leaf = '', issuer = ''] = (proofs.files['a.pem'] ?? '').split(/(?<=-----END CERTIFICATE-----\n)/);
  const said = await runImported(
    { proofs },
    {
      'ipsec.conf': `config setup
    charondebug="ike 1"
conn %default
    keyexchange=ikev2
    reauth=no
    mobike=no
conn net
    left=${gwA.outside.ipv4}
    leftsubnet=10.0.1.0/24
    leftcert=a.pem
    leftid="C=DE, O=Lab, CN=gw-a.example.org"
    leftfirewall=yes
    right=${gwB.outside.ipv4}
    rightid="C=DE, O=Lab, CN=gw-b.example.org"
    rightca="C=DE, O=Lab, CN=Root"
    rightsubnet=10.0.2.0/24
    ike=aes256gcm16-prfsha384-ecp256!
    esp=aes256gcm16-x25519!
    dpdaction=restart
    auto=route
`,
      'ipsec.secrets': ': RSA a.key\n',
      'ipsec.d/certs/a.pem': leaf,
      'ipsec.d/private/a.key': proofs.files['a.key'] ?? '',
      'ipsec.d/cacerts/root.pem': proofs.files['ca.pem'] ?? '',
      'ipsec.d/cacerts/a-issuer.pem': issuer,
    },
  );
  expect(said).toContain('conn net: leftfirewall: found "yes": left out: ');
  await bothPing();
});
