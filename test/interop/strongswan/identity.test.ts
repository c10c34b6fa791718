// Identities that the other side does not expect, both roles: AUTHENTICATION_FAILED, and why in the log. RFC 7296 §2.21.2.

import { afterEach, expect, test } from 'vitest';
import type { Setting } from '../../../scripts/lab/site-files.ts';
import { siteAddresses } from '../../../scripts/topology/plan.ts';
import { BRIEFLY } from '../../system/two-sites.ts';
import { PeerSite } from './peer-site.ts';

const { gwA, gwB, hostB } = siteAddresses;
const REFUSED_BY_CHARON = 'generating IKE_AUTH response 1 [ N(AUTH_FAILED) ]';

let peer: PeerSite | undefined;

afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

function identities(local: string, remote: string): readonly Setting[] {
  return [
    [['peers', 0, 'ike', 'local', 'identity'], local],
    [['peers', 0, 'ike', 'remote', 'identity'], remote],
  ];
}

test('a wrong identity: AUTHENTICATION_FAILED, and both logs say which', async () => {
  peer = await PeerSite.build({ settings: identities('gw-a.example.org', gwB.outside.ipv4) });
  const { sites, charon } = peer;
  const initiate = () => charon.trySwanctl('--initiate', '--child', 'net', '--timeout', '10');

  // strongSwan does not know ours.
  expect(await sites.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
  await peer.told('auth-refused');
  await charon.logged(REFUSED_BY_CHARON);
  // It asks for another than ours.
  await initiate();
  expect(await peer.line('other-identity-asked')).toMatchObject({
    identity: gwB.outside.ipv4,
    asksFor: gwA.outside.ipv4,
  });
  await charon.logged('received AUTHENTICATION_FAILED notify error');

  // We do not know its identity: as responder, then as initiator.
  await sites.configure('gwA', identities(gwA.outside.ipv4, '*.example.org'));
  await sites.reload('gwA');
  await initiate();
  expect(await peer.line('unknown-identity')).toMatchObject({ identity: gwB.outside.ipv4 });
  await charon.logged('received AUTHENTICATION_FAILED notify error', 2);
  expect(await sites.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
  expect(await peer.line('wrong-identity')).toMatchObject({
    identity: gwB.outside.ipv4,
    expected: '*.example.org',
  });
  await charon.logged('parsed INFORMATIONAL request 2 [ N(AUTH_FAILED) ]');

  // And right ones make a tunnel.
  await sites.configure('gwA', identities(gwA.outside.ipv4, gwB.outside.ipv4));
  await sites.reload('gwA');
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
});
