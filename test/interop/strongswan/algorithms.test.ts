// Each algorithm that Isthmus and strongSwan 5.9 both have, negotiated and carrying packets both ways.

import { afterEach, describe, expect, test } from 'vitest';
import { siteAddresses } from '../../../scripts/topology/plan.ts';
import { PeerSite } from './peer-site.ts';

const { hostA, hostB } = siteAddresses;

let peer: PeerSite | undefined;

afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

/** The first packet makes the tunnel; then strongSwan replaces both SAs, so each algorithm serves both roles. */
async function carries(proposal: string, espProposal: string): Promise<void> {
  peer = await PeerSite.build({ proposal, espProposal });
  const { sites, charon } = peer;
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  await charon.rekey('--ike', 'peer');
  await peer.told('rekeyed');
  await charon.rekey('--child', 'net');
  await peer.told('child-rekeyed');
  expect(await sites.ping('hostB', hostA.ipv4, 3)).toBe(3);
}

describe('IKE', () => {
  test.each([
    'aes256gcm16-prfsha512-ecp384',
    'aes192gcm16-prfsha256-ecp521',
    'aes128gcm16-prfsha256-x25519',
    'chacha20poly1305-prfsha384-x448',
    'aes256-sha256-modp2048',
    'aes192-sha384-modp3072',
    'aes128-sha512-modp4096',
  ])('%s', async (proposal) => {
    await carries(proposal, 'aes256gcm16-x25519');
  });
});

describe('ESP', () => {
  test.each([
    'aes128gcm16-ecp256',
    'aes192gcm12-x25519',
    'aes256gcm8',
    'chacha20poly1305-x448',
    'aes256ccm16-x25519',
    'aes256-sha256-modp2048',
    'aes128-sha384',
    'aes192-sha512-ecp384',
  ])('%s', async (proposal) => {
    await carries('aes256gcm16-prfsha384-ecp256', proposal);
  });
});
