// A side that crashes and comes back while the other still has its IKE SA: RFC 7296 §2.4.

import { afterEach, expect, test } from 'vitest';
import { siteAddresses } from '../../../scripts/topology/plan.ts';
import { PeerSite } from './peer-site.ts';

const { gwA, hostA, hostB } = siteAddresses;
const INITIATE = ['--initiate', '--child', 'net', '--timeout', '10'];

let peer: PeerSite | undefined;

afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

async function expectTraffic({ sites }: PeerSite): Promise<void> {
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await sites.ping('hostB', hostA.ipv4, 3)).toBe(3);
}

test('strongSwan crashes: it is noticed, and by INITIAL_CONTACT it is known that it has started anew', async () => {
  peer = await PeerSite.build({
    settings: [
      [['peers', 0, 'ike', 'liveness'], '1s'],
      [['peers', 0, 'ike', 'retransmit'], { first: '200ms', factor: 1.5, tries: 2 }],
    ],
  });
  const { charon } = peer;
  await expectTraffic(peer);
  await charon.crash();
  await peer.told('silent');
  await expectTraffic(peer);
  await charon.crash();
  await charon.swanctl(...INITIATE);
  await peer.told('peer-restarted');
  await expectTraffic(peer);
});

test('this side crashes: strongSwan learns by INITIAL_CONTACT that it has started anew', async () => {
  peer = await PeerSite.build();
  const { sites, charon } = peer;
  await expectTraffic(peer);
  sites.kill('gwA');
  await sites.start('gwA');
  await expectTraffic(peer);
  await charon.logged(`destroying duplicate IKE_SA for peer '${gwA.outside.ipv4}', received INITIAL_CONTACT`);
  expect((await charon.swanctl('--list-sas')).match(/ESTABLISHED/g)).toHaveLength(1);
});
