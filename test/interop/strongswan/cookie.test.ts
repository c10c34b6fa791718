// COOKIE between Isthmus and strongSwan, RFC 7296 §2.6: each side asks the other for it when many IKE SAs are half open.

import { afterEach, expect, test } from 'vitest';
import { siteAddresses } from '../../../scripts/topology/plan.ts';
import { GroupId } from '../../../src/wire/ike/iana.ts';
import { IKE_PROPOSAL, IkeNetwork } from '../../support/ike-network.ts';
import { BRIEFLY } from '../../system/two-sites.ts';
import { PeerSite } from './peer-site.ts';

const { gwA, gwB, hostA, hostB } = siteAddresses;
/** As many half-open IKE SAs as a site has before it asks for cookies. */
const FLOOD = 32;

let peer: PeerSite | undefined;

afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

test('strongSwan asks for it, and Isthmus returns it', async () => {
  // The IKE_AUTH of a first start is lost, so that strongSwan has a half-open IKE SA.
  peer = await PeerSite.build({
    charonSettings: 'cookie_threshold = 1',
    wanRules: `table ip loss { chain seen { type filter hook forward priority filter; udp dport 4500 drop; }
}
`,
  });
  const { sites, charon } = peer;
  const pings = sites.ping('hostA', hostB.ipv4, 1, BRIEFLY);
  await charon.logged('generating IKE_SA_INIT response 0');
  expect(await pings).toBe(0);
  sites.kill('gwA');
  await sites.topology.runOrThrow('wan', ['nft', 'delete', 'table', 'ip', 'loss']);
  await sites.start('gwA');
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  await peer.told('cookie-asked');
  await charon.logged('generating IKE_SA_INIT response 0 [ N(COOKIE) ]');
});

test('Isthmus asks for it, and strongSwan returns it', async () => {
  peer = await PeerSite.build({
    settings: [
      [['peers', 0, 'address'], 'any'],
      [['peers', 0, 'ike', 'remote'], { identity: gwB.outside.ipv4 }],
    ],
  });
  const { sites, charon } = peer;
  await flood(peer);
  await peer.told('init-answered', FLOOD);
  await charon.swanctl('--initiate', '--child', 'net', '--timeout', '10');
  await charon.logged('parsed IKE_SA_INIT response 0 [ N(COOKIE) ]');
  expect(await sites.ping('hostB', hostA.ipv4, 3)).toBe(3);
});

/** First messages of initiators that never go on, sent by the router. */
async function flood({ sites }: PeerSite): Promise<void> {
  const net = new IkeNetwork((connection) => ({
    ...connection,
    proposals: [{ ...IKE_PROPOSAL, groups: [{ id: GroupId.ECP_256 }] }],
  }));
  net.a.engine.acquire('to-b', undefined);
  await net.settled();
  const { bytes } = net.take();
  const program = `
    const socket = require('node:dgram').createSocket('udp4');
    const message = Buffer.from('${Buffer.from(bytes).toString('hex')}', 'hex');
    let left = ${FLOOD};
    for (let count = 1; count <= ${FLOOD}; count++) {
      message.writeUInt32BE(count, 0); // The initiator's SPI.
      socket.send(Buffer.from(message), 500, '${gwA.outside.ipv4}', () => --left || socket.close());
    }`;
  await sites.topology.runOrThrow('wan', [process.execPath, '-e', program]);
}
