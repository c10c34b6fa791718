// Tunnels with strongSwan 5.9 under certificates and bare public keys, both roles: RFC 7296 §2.15, §3.6, §3.7, RFC 7383,
// RFC 7427, RFC 7670, RFC 8420, RFC 4945, RFC 5280 §6.3.

import { afterEach, describe, expect, test } from 'vitest';
import { siteAddresses } from '../../../scripts/topology/plan.ts';
import { newSerial, type KeyKind } from '../../support/lab-authority.ts';
import { writePem } from '../../../src/pki/pem.ts';
import { bareKeySites, certifiedSites, newRoot, TODAY } from './certified-sites.ts';
import { BRIEFLY } from '../../system/two-sites.ts';
import { PeerSite, type Proofs } from './peer-site.ts';

const { hostA, hostB } = siteAddresses;
const INITIATE = ['--initiate', '--child', 'net', '--timeout', '10'];

let peer: PeerSite | undefined;

async function build(proofs: Proofs, charonSettings = ''): Promise<PeerSite> {
  peer = await PeerSite.build({ proofs, charonSettings });
  return peer;
}

afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

/** First this side initiates, then strongSwan. */
async function expectBothRoles({ sites, charon }: PeerSite): Promise<void> {
  expect(await sites.ping('hostA', hostB.ipv4, 2)).toBe(2);
  await charon.swanctl('--terminate', '--ike', 'peer');
  await peer?.told('deleted');
  await charon.swanctl(...INITIATE);
  expect(await sites.ping('hostB', hostA.ipv4, 2)).toBe(2);
  await peer?.told('established', 2);
}

describe('a tunnel, made by this side and then by strongSwan', () => {
  const KEYS: readonly (readonly [readonly [KeyKind, KeyKind], string])[] = [
    [['ecdsa-p256', 'ecdsa-p256'], 'ECDSA_WITH_SHA256_DER'],
    [['ecdsa-p384', 'ecdsa-p521'], 'ECDSA_WITH_SHA384_DER'],
    [['ed25519', 'ed25519'], 'ED25519'],
  ];

  test.each(KEYS)('%j', async (kinds, signature) => {
    const site = await build(certifiedSites({ kinds }));
    await expectBothRoles(site);
    expect(site.charon.log).toMatch(new RegExp(`authentication of .*gw-a.* with ${signature} successful`));
  });

  test.each([
    ['pss', 'no', 'RSA_EMSA_PSS_SHA2_256', 'RSA_EMSA_PKCS1_SHA2_'],
    ['pkcs1', 'yes', 'RSA_EMSA_PKCS1_SHA2_256', 'RSA_EMSA_PSS_SHA2_'],
  ])('RSA: this side %s, strongSwan with rsa_pss = %s', async (padding, isPss, signature, peerSignature) => {
    const kinds = ['rsa', 'rsa'] as const;
    const proofs = certifiedSites({ kinds, authorityKind: 'rsa', local: { rsa_padding: padding } });
    const site = await build(proofs, `rsa_pss = ${isPss}`);
    await expectBothRoles(site);
    expect(site.charon.log).toMatch(
      new RegExp(`authentication of .*gw-a.* with ${signature}[^ ]* successful`),
    );
    expect(site.charon.log).toContain(`(myself) with ${peerSignature}`);
  });

  test.each([
    ['ecdsa-p256', 'ed25519'],
    ['rsa', 'ecdsa-p384'],
  ] as const)('RFC 7670: bare public keys, %s and %s', async (...kinds) => {
    await expectBothRoles(await build(bareKeySites(kinds)));
  });

  test('an intermediate authority on each side', async () => {
    await expectBothRoles(await build(certifiedSites({ intermediates: [1, 1] })));
  });

  test('RFC 7383: chains so long that both sides send fragments', async () => {
    const kinds = ['rsa', 'rsa'] as const;
    const site = await build(certifiedSites({ kinds, intermediates: [4, 4], authorityKind: 'ecdsa-p521' }));
    await expectBothRoles(site);
    const { log } = site.charon;
    expect(log).toMatch(/parsed IKE_AUTH request 1 \[ EF\(3\/\d\) \]/);
    expect(log).toMatch(/generating IKE_AUTH response 1 \[ EF\(3\/\d\) \]/);
    expect(log).toMatch(/generating IKE_AUTH request 1 \[ EF\(3\/\d\) \]/);
    expect(log).toMatch(/parsed IKE_AUTH response 1 \[ EF\(3\/\d\) \]/);
    expect(await site.sites.stop('gwA')).not.toHaveProperty('inbound-icv');
  });

  test('an identity from subjectAltName', async () => {
    const proofs = certifiedSites({
      local: { identity: 'gw-a.example.org' },
      remote: { identity: '*.example.org' },
    });
    await expectBothRoles(
      await build({
        ...proofs,
        charonLocal: proofs.charonLocal.replace(/id = .*/, 'id = gw-b.example.org'),
        charonRemote: proofs.charonRemote.replace(/id = .*/, 'id = gw-a.example.org'),
      }),
    );
  });
});

describe('refused on both sides, and said', () => {
  const AUTHENTICATION_FAILED = 'AUTHENTICATION_FAILED notify error';

  test('RFC 5280 §6.3: a certificate that its authority has revoked', async () => {
    const root = newRoot();
    const serial = newSerial();
    const { notBeforeMs, notAfterMs } = TODAY;
    const list = root.revoke([serial], { thisUpdateMs: notBeforeMs, nextUpdateMs: notAfterMs });
    const { sites, charon } = await build(
      certifiedSites({
        root,
        peerChange: { serial },
        remote: { crls: ['ca.crl'] },
        files: { 'ca.crl': writePem('X509 CRL', list) },
      }),
    );
    await charon.trySwanctl(...INITIATE);
    await peer?.told('certificate-revoked');
    await charon.logged(`received ${AUTHENTICATION_FAILED}`);
    expect(await sites.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
    await peer?.told('certificate-revoked', 2);
  });

  test('RFC 4301 §4.4.3.1: another identity than is expected', async () => {
    const { sites, charon } = await build(
      certifiedSites({ remote: { identity: 'C=DE, O=Lab, CN=gw-c.example.org' } }),
    );
    await charon.trySwanctl(...INITIATE);
    await peer?.told('unknown-identity');
    await charon.logged(`received ${AUTHENTICATION_FAILED}`);
    expect(await sites.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
    await peer?.told('signature-refused');
    await charon.logged('generating IKE_AUTH response 1 [ N(AUTH_FAILED) ]');
  });

  test('an authority that the other side does not know', async () => {
    const { files } = certifiedSites();
    const { sites, charon } = await build({ ...certifiedSites(), files });
    expect(await sites.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
    await peer?.told('signature-refused');
    await charon.logged('generating IKE_AUTH response 1 [ N(AUTH_FAILED) ]');

    await charon.trySwanctl(...INITIATE);
    await peer?.told('unknown-authority');
    await charon.logged('parsed IKE_AUTH response 1 [ N(AUTH_FAILED) ]');
    await charon.logged(`received ${AUTHENTICATION_FAILED}`);
  });
});
