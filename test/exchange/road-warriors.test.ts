// One PAD entry for many who come from anywhere (RFC 4301 §4.4.3.1): whom a packet of a policy is for, and that the devices of
// one identity are each at a place of their own. Site a is one of them after another.

import { describe, expect, test } from 'vitest';
import type { TrafficSelector } from '../../src/wire/ike/payload.ts';
import { IkeNetwork, network, type Site } from '../support/ike-network.ts';
import { ALICE_AT, BOB_AT, host, NET_B, RoadWarriors } from '../support/road-warriors.ts';

const POOL = [network('10.9.0.0', 16)];
const [ALICE_NET, BOB_NET] = ['10.9.0.1', '10.9.0.2'] as const;
const FROM = host('10.0.2.5');

/** Of TCP, with one port on the side of the peer. */
function web(address: string, port: number): TrafficSelector {
  return { ...host(address), protocol: 6, startPort: port, endPort: port };
}

/** A packet of site b's hosts asks for an SA. @returns where the request went */
async function ask(net: RoadWarriors, to: TrafficSelector): Promise<readonly string[]> {
  net.flying.length = 0;
  net.b.done.length = 0;
  net.b.engine.acquire('to-a', [{ ...FROM, protocol: to.protocol }, to]);
  await net.settled();
  return net.flying.map(({ toAddress }) => toAddress);
}

function expectRefused({ b }: RoadWarriors, wanted: string): void {
  expect(b.done).toEqual([{ policy: 'to-a', installed: false }]);
  const lines = b.told.filter((line) => line.startsWith('no IKE SA is known to be with the peer'));
  expect(lines.at(-1)).toContain(`"policy":"to-a","peer":"site-a","wanted":"${wanted}`);
}

describe('RFC 4301 §4.4.3: a packet asks for an SA with one of many identities', () => {
  async function both(): Promise<RoadWarriors> {
    const net = new RoadWarriors({ pad: '*.example.org', remote: POOL });
    net.become('alice.example.org', ALICE_AT, [web(ALICE_NET, 80)]);
    await net.connect();
    net.become('bob.example.org', BOB_AT, [web(BOB_NET, 80)]);
    await net.connect();
    expect(net.states('b').length).toBe(2);
    return net;
  }

  test.each([
    [ALICE_NET, ALICE_AT],
    [BOB_NET, BOB_AT],
  ])('it goes to who has an SA for its address: %s', async (address, place) => {
    const net = await both();
    expect(await ask(net, web(address, 443))).toEqual([place]);
  });

  test.each([ALICE_AT, BOB_AT])('it goes to who is at its address: %s', async (place) => {
    const net = new RoadWarriors({ pad: '*.example.org', remote: [network('203.0.113.0')] });
    for (const [name, at] of [
      ['alice.example.org', ALICE_AT],
      ['bob.example.org', BOB_AT],
    ] as const) {
      net.become(name, at, [host('203.0.113.200')]);
      await net.connect();
    }
    expect(await ask(net, host(place))).toEqual([place]);
  });

  test('it goes to nobody where nothing says whose its address is, and whoever waits is told', async () => {
    const net = await both();
    expect(await ask(net, web('10.9.0.3', 443))).toEqual([]);
    expectRefused(net, '10.9.0.3');
    expect(net.states('b').length).toBe(2);
  });

  test('it goes to nobody where several are at its address', async () => {
    const net = new RoadWarriors({ pad: '*.example.org', remote: [network('203.0.113.0')] });
    for (const name of ['alice.example.org', 'bob.example.org']) {
      net.become(name, ALICE_AT, [host('203.0.113.200')]);
      await net.connect();
    }
    expect(await ask(net, host(ALICE_AT))).toEqual([]);
    expectRefused(net, ALICE_AT);
  });

  test('it begins no IKE SA where there is none', async () => {
    const net = new RoadWarriors({ pad: '*.example.org', remote: POOL });
    expect(await ask(net, web(ALICE_NET, 443))).toEqual([]);
    expectRefused(net, ALICE_NET);
    expect(net.states('b')).toEqual([]);
  });

  test('the log has a bound', async () => {
    const net = new RoadWarriors({ pad: '*.example.org', remote: POOL });
    for (let count = 0; count < 200; count++) await ask(net, host(`10.9.1.${count}`));
    expect(net.b.told.length).toBe(50);
  });

  test('of one identity it goes to the one IKE SA that there is', async () => {
    const net = new RoadWarriors({ pad: 'alice.example.org', remote: POOL });
    net.become('alice.example.org', ALICE_AT, [web(ALICE_NET, 80)]);
    await net.connect();
    expect(await ask(net, web('10.9.0.3', 443))).toEqual([ALICE_AT]);
  });

  test('what an IKE SA leaves to be made is made by the one that takes its place', async () => {
    const rules = { pad: '*.example.org', remote: POOL, isForgetful: true, isEachAlone: true };
    const net = new RoadWarriors(rules);
    for (const [name, at, address] of [
      ['bob.example.org', BOB_AT, BOB_NET],
      ['alice.example.org', ALICE_AT, ALICE_NET],
    ] as const) {
      net.become(name, at, [web(address, 80)]);
      await net.connect();
    }
    // She begins anew elsewhere, and asks for nothing that she had.
    const elsewhere = '203.0.113.3';
    net.become('alice.example.org', elsewhere, [web('10.9.0.9', 443)]);
    net.sent.length = 0;
    await net.connect();
    expect(net.b.told.some((line) => line.includes('this one goes'))).toBe(true);
    const requests = net.sent.filter(({ to, name }) => to === 'a' && name.startsWith('CREATE_CHILD_SA req'));
    expect(requests.map(({ toAddress }) => toAddress)).toEqual([elsewhere]);
  });
});

describe('unique: never, several devices of one identity', () => {
  async function devices(names?: readonly string[], pad = 'alice.example.org'): Promise<RoadWarriors> {
    const net = new RoadWarriors({ pad, remote: POOL, unique: 'never', ...(names && { names }) });
    for (const [at, address] of [
      [ALICE_AT, ALICE_NET],
      [BOB_AT, BOB_NET],
    ] as const) {
      net.become('alice.example.org', at, [host(address)]);
      await net.connect();
    }
    expect(net.held('b')).toEqual([ALICE_NET, BOB_NET]);
    return net;
  }

  test.each(['alice.example.org', '*.example.org'])('each is a peer of its own (%s)', async (pad) => {
    const { b } = await devices(['alice.example.org'], pad);
    const { peers, places, outboundOrder } = b.sad;
    expect(outboundOrder.map((spi) => places.get(spi))).toEqual([ALICE_AT, BOB_AT]);
    const [first, second] = outboundOrder.map((spi) => peers.get(spi));
    expect(first).toMatch(/^site-a alice\.example\.org [0-9a-f]{16}$/);
    expect(second).toMatch(/^site-a alice\.example\.org [0-9a-f]{16}$/);
    expect(first).not.toBe(second);
  });

  test('and stays the same peer when its IKE SA is rekeyed', async () => {
    const net = await devices(['alice.example.org']);
    const before = net.b.sad.peers.get(net.b.sad.outboundOrder.at(-1) ?? 0);
    for (const { localSpi } of net.states('a')) net.a.engine.rekeyIke(localSpi);
    await net.run();
    net.a.engine.rekeyChild(net.childOf('a').inboundSpi);
    await net.live(20_000);
    const newest = net.b.sad.outboundOrder.at(-1) ?? 0;
    expect(net.b.sad.peers.get(newest)).toBe(before);
    expect(net.b.sad.places.get(newest)).toBe(BOB_AT);
    expect(net.held('b').toSorted()).toEqual([ALICE_NET, BOB_NET]);
  });

  test('RFC 4301 §4.4.3.5: what one has, the other does not get', async () => {
    const net = await devices(['alice.example.org']);
    net.become('alice.example.org', '203.0.113.3', [host(BOB_NET)]);
    await net.connect();
    expect(net.a.done).toEqual([{ policy: 'to-b', installed: false }]);
    expect(net.held('b')).toEqual([ALICE_NET, BOB_NET]);
  });

  test.each([
    [ALICE_NET, ALICE_AT],
    [BOB_NET, BOB_AT],
  ])('a packet asks the one that has an SA for its address: %s', async (address, place) => {
    const net = new RoadWarriors({ pad: 'alice.example.org', remote: POOL, unique: 'never' });
    for (const [at, own] of [
      [ALICE_AT, ALICE_NET],
      [BOB_AT, BOB_NET],
    ] as const) {
      net.become('alice.example.org', at, [web(own, 80)]);
      await net.connect();
    }
    expect(await ask(net, web(address, 443))).toEqual([place]);
    expect(await ask(net, web('10.9.0.3', 443))).toEqual([]);
    expectRefused(net, '10.9.0.3');
  });
});

test('a peer whose address is known has one place, whatever it may be', async () => {
  const net = new IkeNetwork((connection) => ({ ...connection, unique: 'never' }));
  await net.connect();
  const { peers }: Site['sad'] = net.b.sad;
  expect([...peers.values()]).toEqual(['site-a']);
  expect(net.childOf('b').local).toEqual([NET_B]);
});
