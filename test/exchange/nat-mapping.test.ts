// A NAT in front of one site, whose mapping changes while its tunnels stand. RFC 7296 §2.23; with MOBIKE RFC 4555 §3.8.

import { describe, expect, test } from 'vitest';
import { formatAddress, parseAddress } from '../../src/base/address.ts';
import { expectAgreement, expectTunnels } from '../support/ike-agreement.ts';
import { IkeNetwork, network, type Flying, type SiteName } from '../support/ike-network.ts';
import { host, RoadWarriors } from '../support/road-warriors.ts';

const OWN = { a: '203.0.113.1', b: '198.51.100.1' } as const;
const FIRST = '192.0.2.1';
const SECOND = '192.0.2.2';

/** Outside of the NAT the site has another address, and nobody reaches it by an old mapping. */
class Natted extends IkeNetwork {
  readonly #inside: SiteName;
  mapping = FIRST;

  constructor(inside: SiteName, mobike: boolean) {
    super((connection, site) => ({
      ...connection,
      mobike,
      livenessMs: 60_000,
      // Who is outside does not know where the other is.
      remoteAddress: site === inside ? connection.remoteAddress : undefined,
    }));
    this.#inside = inside;
  }

  override async deliver(flying: Flying): Promise<void> {
    const own = OWN[this.#inside];
    if (flying.to !== this.#inside) return super.deliver({ ...flying, fromAddress: this.mapping });
    if (flying.toAddress === this.mapping) await super.deliver({ ...flying, toAddress: own });
  }
}

function pathsOf(net: IkeNetwork, site: SiteName): readonly string[] {
  return net.states(site).map(({ path }) => formatAddress(path.remoteAddress));
}

function placesOf({ b }: IkeNetwork): readonly string[] {
  return [...new Set(b.sad.places.values())];
}

function count({ b }: IkeNetwork, part: string): number {
  return b.told.filter((line) => line.includes(part)).length;
}

describe('RFC 4555 §3.8: with MOBIKE the side behind the NAT says so', () => {
  test('before its first liveness check is answered', async () => {
    const net = new Natted('a', true);
    await net.connect();
    expect(placesOf(net)).toEqual([FIRST]);
    net.mapping = SECOND;
    await net.live(90_000);
    expect(placesOf(net)).toEqual([SECOND]);
    expectTunnels(net, 1);
  });

  test('where the NAT came onto the way after IKE_SA_INIT', async () => {
    const net = new Natted('a', true);
    net.mapping = OWN.a;
    await net.connect();
    net.mapping = SECOND;
    await net.live(90_000);
    expect(net.a.told.filter((line) => line.includes('a NAT shows us')).length).toBe(1);
    expect(placesOf(net)).toEqual([SECOND]);
  });

  test('between a rekey of the IKE SA and the first liveness check after it', async () => {
    const net = new Natted('a', true);
    await net.connect();
    await net.live(90_000);
    for (const { localSpi } of net.states('a')) net.a.engine.rekeyIke(localSpi);
    await net.run();
    net.mapping = SECOND;
    await net.live(90_000);
    expect(placesOf(net)).toEqual([SECOND]);
    expectTunnels(net, 1);
  });

  test('once, as long as the mapping stays', async () => {
    const net = new Natted('a', true);
    await net.connect();
    await net.live(600_000);
    expect(count(net, 'has moved')).toBe(1);
    expectAgreement(net);
  });

  test('never, where no NAT is on the way, after a rekey of the IKE SA too', async () => {
    const net = new Natted('a', true);
    net.mapping = OWN.a;
    await net.connect();
    await net.live(200_000);
    for (const { localSpi } of net.states('a')) net.a.engine.rekeyIke(localSpi);
    await net.live(200_000);
    expect(count(net, 'has moved')).toBe(0);
  });
});

describe('RFC 7296 §2.23: without MOBIKE', () => {
  test('the side that is not behind the NAT follows messages', async () => {
    const net = new Natted('a', false);
    await net.connect();
    net.mapping = SECOND;
    net.a.engine.rekeyChild(net.childOf('a').inboundSpi);
    await net.run();
    expect(pathsOf(net, 'b')).toEqual([SECOND]);
    expect(placesOf(net)).toEqual([SECOND]);
  });

  test('and packets: its next request goes where they came from', async () => {
    const net = new Natted('a', false);
    await net.connect();
    net.mapping = SECOND;
    const [peer = ''] = net.b.sad.peers.values();
    seen(net, 'b', peer, SECOND, 4501);
    await net.settled();
    net.b.engine.rekeyChild(net.childOf('b').inboundSpi);
    await net.settled();
    expect(net.flying.map(({ toAddress, toPort }) => [toAddress, toPort])).toEqual([[SECOND, 4501]]);
  });

  test('the side behind the NAT follows neither', async () => {
    const net = new Natted('b', false);
    net.b.engine.acquire('to-a', undefined);
    await net.run();
    expectTunnels(net, 1);
    seen(net, 'b', 'site-a', '203.0.113.66', 4500);
    net.a.engine.rekeyChild(net.childOf('a').inboundSpi);
    await net.settled();
    await net.deliver({ ...net.take(), fromAddress: '203.0.113.66' });
    expect(pathsOf(net, 'b')).toEqual([OWN.a]);
    expect(placesOf(net)).toEqual([OWN.a]);
  });
});

test('RFC 7296 §2.23: packets of an older IKE SA do not lead a first message to the port of ESP', async () => {
  const net = new IkeNetwork((connection) => ({ ...connection, mobike: false }));
  net.a.engine.acquire('to-b', undefined);
  await net.settled();
  net.flying.length = 0;
  seen(net, 'a', 'site-b', '198.51.100.1', 4500);
  await net.pass(5000);
  expect(net.flying.map(({ name, toPort }) => [name, toPort])).toEqual([['IKE_SA_INIT request 0', 500]]);
});

test('RFC 4555 §3.8: with MOBIKE packets move no IKE SA', async () => {
  const net = new Natted('a', true);
  await net.connect();
  const [peer = ''] = net.b.sad.peers.values();
  seen(net, 'b', peer, SECOND, 4500);
  await net.settled();
  expect(pathsOf(net, 'b')).toEqual([FIRST]);
});

test('of many with one PAD entry only the one whose packets they are moves', async () => {
  const net = new RoadWarriors({ pad: '*', remote: [network('10.9.0.0')], mobike: false });
  for (const [index, name] of ['alice.example.org', 'bob.example.org'].entries()) {
    net.become(name, `203.0.113.${index + 1}`, [host(`10.9.0.${index + 1}`)]);
    await net.connect();
  }
  seen(net, 'b', 'site-a bob.example.org', SECOND, 4500);
  await net.settled();
  expect(pathsOf(net, 'b')).toEqual(['203.0.113.1', SECOND]);
});

function seen(net: IkeNetwork, site: SiteName, peer: string, at: string, port: number): void {
  const address = parseAddress(at);
  if (address === undefined) throw new Error(at);
  net.site(site).engine.peerSeen(peer, address, port);
}
