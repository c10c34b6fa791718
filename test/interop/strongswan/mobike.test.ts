// Addresses of a gateway change while its tunnel with strongSwan stands, and no handshake follows: RFC 4555, both roles.

import { afterEach, expect, test } from 'vitest';
import { siteAddresses, wanAddresses } from '../../../scripts/topology/plan.ts';
import { BRIEFLY } from '../../system/two-sites.ts';
import { PeerSite } from './peer-site.ts';

const { gwA, hostA, hostB } = siteAddresses;
const INITIATE = ['--initiate', '--child', 'net', '--timeout', '10'];
const MOBILE = 'mobike = yes\n    local_addrs = %any';

let peer: PeerSite | undefined;

afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

/** The outside of a gateway has another address of its network. */
async function move({ sites }: PeerSite, place: 'gwA' | 'gwB', from: string, to: string): Promise<void> {
  const next = place === 'gwA' ? wanAddresses.toA : wanAddresses.toB;
  for (const command of [
    'sysctl -qw net.ipv4.conf.outside.promote_secondaries=1',
    `ip address add ${to}/24 dev outside`,
    `ip address delete ${from}/24 dev outside`,
    `ip route replace default via ${next.ipv4}`,
  ])
    await sites.topology.runOrThrow(place, command.split(' '));
}

async function expectTraffic({ sites }: PeerSite): Promise<void> {
  expect(await sites.ping('hostA', hostB.ipv4, 5)).toBe(5);
  expect(await sites.ping('hostB', hostA.ipv4, 5)).toBe(5);
}

test('strongSwan moves, and packets follow when it has proved where it is', async () => {
  peer = await PeerSite.build({ connection: MOBILE });
  const { sites, charon } = peer;
  await charon.swanctl(...INITIATE);
  await expectTraffic(peer);
  const pings = sites.ping('hostA', hostB.ipv4, 60, BRIEFLY);
  await move(peer, 'gwB', siteAddresses.gwB.outside.ipv4, '198.51.100.9');
  await peer.told('peer-moved');
  // RFC 4555 §3.7: copied as it was.
  await charon.logged('generating INFORMATIONAL response 0 [ N(COOKIE2) ]');
  expect(await pings).toBeGreaterThan(20);
  await expectTraffic(peer);
  await charon.rekey('--child', 'net');
  await expectTraffic(peer);
  expect(sites.said('gwA', 'IKE SA established').length).toBe(1);
});

test('this side moves, and strongSwan follows', async () => {
  peer = await PeerSite.build({
    connection: MOBILE,
    settings: [
      [['udp', 'listen'], ['0.0.0.0:4500']],
      [['peers', 0, 'ike', 'local', 'identity'], gwA.outside.ipv4],
    ],
  });
  const { sites } = peer;
  await expectTraffic(peer);
  const pings = sites.ping('hostA', hostB.ipv4, 60, BRIEFLY);
  await move(peer, 'gwA', gwA.outside.ipv4, '203.0.113.9');
  await peer.told('address-updated');
  expect(await pings).toBeGreaterThan(20);
  await expectTraffic(peer);
  expect(sites.said('gwA', 'IKE SA established').length).toBe(1);
});
