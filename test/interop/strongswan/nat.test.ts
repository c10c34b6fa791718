// Tunnels with strongSwan through an address translation before either side, both roles: RFC 7296 §2.23, RFC 3948 §4.

import { afterEach, describe, expect, test } from 'vitest';
import { siteAddresses, wanAddresses } from '../../../scripts/topology/plan.ts';
import { PeerSite } from './peer-site.ts';

const { gwA, gwB, hostA, hostB } = siteAddresses;
const INITIATE = ['--initiate', '--child', 'net', '--timeout', '10'];
/** None of them is 500 or 4500. */
const MAPPED = '20000-29999';
/** RFC 3948 §2.3: one octet after the UDP header. */
const KEEPALIVE = 'udp length 9';

/**
 * The router translates what comes from `inside` and goes out at `device`, and counts the keepalives of both.
 * @param forwarded what it sends on to `inside` where nothing was sent before
 */
function translation(inside: string, device: string, forwarded = ''): string {
  return `table ip translation {
  counter ofIsthmus {}
  counter ofStrongswan {}
  chain before { type nat hook prerouting priority dstnat; ${forwarded} }
  chain after { type nat hook postrouting priority srcnat;
    oifname ${device} ip saddr ${inside} ip protocol udp masquerade to :${MAPPED}; }
  chain seen { type filter hook forward priority filter;
    iifname toA ${KEEPALIVE} counter name ofIsthmus;
    iifname toB ${KEEPALIVE} counter name ofStrongswan; }
}
`;
}

let peer: PeerSite | undefined;

afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

async function expectTraffic({ sites }: PeerSite): Promise<void> {
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await sites.ping('hostB', hostA.ipv4, 3)).toBe(3);
}

/** Both rekeys by strongSwan; no echo is lost meanwhile. */
async function expectRekeys(site: PeerSite): Promise<void> {
  const pings = site.sites.ping('hostA', hostB.ipv4, 30);
  await site.charon.rekey('--child', 'net');
  await site.told('child-rekeyed');
  await site.charon.rekey('--ike', 'peer');
  await site.told('rekeyed');
  expect(await pings).toBe(30);
  await expectTraffic(site);
}

/** Waits until the router has seen one. */
async function keepalive({ sites }: PeerSite, counter: 'ofIsthmus' | 'ofStrongswan'): Promise<void> {
  for (;;) {
    const list = await sites.topology.runOrThrow('wan', [
      'nft',
      'list',
      'counter',
      'ip',
      'translation',
      counter,
    ]);
    if (/packets [1-9]/.test(list)) return;
  }
}

describe('RFC 7296 §2.23: a NAT before this side', () => {
  const ofPeer = `${gwA.outside.ipv4}, ${wanAddresses.toB.ipv4}`;

  test('which begins: traffic both ways, keepalives, rekeys', async () => {
    peer = await PeerSite.build({
      wanRules: translation(gwA.outside.ipv4, 'toB'),
      remoteAddresses: ofPeer,
      settings: [[['peers', 0, 'nat_keepalive'], '1s']],
    });
    await expectTraffic(peer);
    expect(await peer.charon.swanctl('--list-sas')).toMatch(
      new RegExp(`remote '${gwA.outside.ipv4}' @ ${wanAddresses.toB.ipv4}\\[2\\d{4}\\]`),
    );
    await expectRekeys(peer);
    await keepalive(peer, 'ofIsthmus');
  });

  test('to which the router forwards, and which answers', async () => {
    const forwarded = `iifname toB ip daddr ${wanAddresses.toB.ipv4} udp dport { 500, 4500 } dnat to ${gwA.outside.ipv4};`;
    peer = await PeerSite.build({
      wanRules: translation(gwA.outside.ipv4, 'toB', forwarded),
      remoteAddresses: wanAddresses.toB.ipv4,
    });
    await peer.charon.swanctl(...INITIATE);
    await expectTraffic(peer);
    await expectRekeys(peer);
  });
});

describe('RFC 7296 §2.23: a NAT before strongSwan', () => {
  test('which begins: traffic both ways, keepalives, rekeys by both sides', async () => {
    peer = await PeerSite.build({
      wanRules: translation(gwB.outside.ipv4, 'toA'),
      charonSettings: 'keep_alive = 1s',
      settings: [
        [['peers', 0, 'address'], 'any'],
        [['peers', 0, 'port'], 'any'],
        [['peers', 0, 'ike', 'remote'], { identity: gwB.outside.ipv4 }],
        [['policies', 0, 'sa', 'lifetime'], { time: { soft: '2s', hard: '60s' } }],
      ],
    });
    await peer.charon.swanctl(...INITIATE);
    await expectTraffic(peer);
    await keepalive(peer, 'ofStrongswan');
    await peer.told('child-rekeyed');
    await expectTraffic(peer);
  });

  test('to which the router forwards, and which answers', async () => {
    const forwarded = `iifname toA ip daddr ${wanAddresses.toA.ipv4} udp dport { 500, 4500 } dnat to ${gwB.outside.ipv4};`;
    peer = await PeerSite.build({
      wanRules: translation(gwB.outside.ipv4, 'toA', forwarded),
      settings: [
        [['peers', 0, 'address'], wanAddresses.toA.ipv4],
        [['peers', 0, 'ike', 'remote'], { identity: gwB.outside.ipv4 }],
      ],
    });
    await expectTraffic(peer);
    await expectRekeys(peer);
  });
});
