// Tunnels with strongSwan 5.9 under certificates, both roles: RFC 7296 §2.15, §3.6, §3.7, RFC 7427, RFC 8420, RFC 4945.

import { afterEach, describe, expect, test } from 'vitest';
import { siteAddresses } from '../../../scripts/topology/plan.ts';
import { certifiedSites, type CertifiedSitesOptions } from './certified-sites.ts';
import { PeerSite } from './peer-site.ts';

const { hostA, hostB } = siteAddresses;
const INITIATE = ['--initiate', '--child', 'net', '--timeout', '10'];

let peer: PeerSite | undefined;

async function build(options: CertifiedSitesOptions = {}, charonSettings = ''): Promise<PeerSite> {
  peer = await PeerSite.build({ proofs: certifiedSites(options), charonSettings });
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
  test('ECDSA P-256', async () => {
    await expectBothRoles(await build());
  });
});
