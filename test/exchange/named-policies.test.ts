// SPD entries that select by name, RFC 4301 §4.4.1.1: site b answers peers whose addresses it does not know, and an identity
// stands for the addresses of its SAs. Site a is one of these peers after another. And what the PAD lets a peer negotiate,
// §4.4.3.4.

import { describe, expect, test } from 'vitest';
import { IkeNetwork, network, type Site, type SiteName } from '../support/ike-network.ts';
import { ALICE_AT, ANYWHERE, BOB_AT, host, NET_B, RoadWarriors } from '../support/road-warriors.ts';

function expectRefused(net: RoadWarriors, identity: string): void {
  expect(net.a.done).toEqual([{ policy: 'to-b', installed: false }]);
  expect(net.a.told.some((line) => line.includes('TS_UNACCEPTABLE'))).toBe(true);
  const audits = net.b.told.filter((line) => line.includes('"audit":"ts-unacceptable"'));
  expect(audits.length).toBe(1);
  expect(audits[0]).toContain(`"peer":"site-a","identity":${JSON.stringify(identity)}`);
}

describe.each([
  ['a name', 'alice.example.org', ['alice.example.org'], 'bob.example.org'],
  ['a name, in other letters', 'Alice.Example.ORG', ['alice.example.org'], 'alice.example.net'],
  ['names that end alike', 'alice.staff.example.org', ['*.staff.example.org'], 'alice.guests.example.org'],
  ['a mail address', 'alice@example.org', ['alice@example.org'], 'bob@example.org'],
  ['mail addresses that end alike', 'alice@staff.example.org', ['*@staff.example.org'], 'alice@example.org'],
  [
    'a distinguished name',
    'C=DE, O=Example, CN=alice',
    ['C=DE, O=Example, CN=alice'],
    'C=DE, O=Example, CN=bob',
  ],
  ['distinguished names', 'C=DE, O=Example, CN=alice', ['C=DE, O=Example, CN=*'], 'C=DE, O=Other, CN=alice'],
  ['a key id', 'keyid:alice', ['keyid:alice'], 'keyid:alicf'],
  ['one of several names', 'keyid:alice', ['bob@example.org', 'keyid:alice'], 'alice.example.org'],
  ['a mail address, and not the name', 'alice@example.org', ['alice@example.org'], 'fqdn:alice.example.org'],
])('%s', (_what, good, names, bad) => {
  test('is for the peer that proves it: its address is what the SAs carry', async () => {
    const net = new RoadWarriors({ pad: good, names });
    net.become(good, ALICE_AT);
    await net.connect();
    expect(net.held('b')).toEqual([ALICE_AT]);
    expect(net.a.sad.outbound.size).toBe(1);
    expect(net.childOf('b').local).toEqual([NET_B]);
  });

  test('is not for another peer of the PAD: TS_UNACCEPTABLE and an audit, and the IKE SA stands', async () => {
    const net = new RoadWarriors({ pad: bad, names });
    net.become(bad, ALICE_AT);
    await net.connect();
    expectRefused(net, bad.replace('fqdn:', '').replace('keyid:alicf', '@#616c696366'));
    expect(net.held('b')).toEqual([]);
    // RFC 7296 §2.21.2.
    expect(net.states('b').map(({ phase }) => phase)).toEqual(['established']);
  });
});

describe('the addresses that a name stands for', () => {
  const rules = { pad: '*', names: ['*.example.org'] };

  test('where nobody says which: the address that the peer is at, whatever it asks for', async () => {
    const net = new RoadWarriors(rules);
    net.become('alice.example.org', ALICE_AT, ANYWHERE);
    await net.connect();
    expect(net.held('b')).toEqual([ALICE_AT]);
    //  ──► TSi = 0.0.0.0/0, ::/0     ◄── TSi = 203.0.113.1
    expect(net.childOf('a').local).toEqual([host(ALICE_AT)]);
  });

  test('where nobody says which: not the source of IKE_AUTH, which may be forged', async () => {
    const net = new RoadWarriors(rules);
    net.become('alice.example.org', ALICE_AT, [host(BOB_AT)]);
    net.a.engine.acquire('to-b', undefined);
    await net.settled();
    for (let count = 0; count < 2; count++) await net.deliver(net.take());
    const request = net.take();
    await net.deliver({ ...request, fromAddress: BOB_AT });
    // The answer went to the other; the same request from where the peer really is has the same answer.
    net.flying.length = 0;
    await net.deliver(request);
    await net.run();
    expectRefused(net, 'alice.example.org');
    expect(net.held('b')).toEqual([]);
  });

  test('where nobody says which: no other address', async () => {
    const net = new RoadWarriors(rules);
    net.become('alice.example.org', ALICE_AT, [host('10.9.0.1')]);
    await net.connect();
    expectRefused(net, 'alice.example.org');
  });

  test('those of the entry, or of the PAD: what the peer asks for of them, and no more', async () => {
    const net = new RoadWarriors({ ...rules, remote: [network('10.9.0.0', 16)] });
    net.become('alice.example.org', ALICE_AT, [host('10.9.0.1'), host(ALICE_AT)]);
    await net.connect();
    expect(net.held('b')).toEqual(['10.9.0.1']);
    expect(net.childOf('a').local).toEqual([host('10.9.0.1')]);
  });

  test('those of the entry, or of the PAD: nothing that lies outside', async () => {
    const net = new RoadWarriors({ ...rules, remote: [network('10.9.0.0', 16)] });
    net.become('alice.example.org', ALICE_AT, [host('10.8.0.1')]);
    await net.connect();
    expectRefused(net, 'alice.example.org');
  });

  test.each(['a', 'b'] as const)(
    'stay the same when site %s rekeys, wherever the peer is now',
    async (site) => {
      const net = new RoadWarriors(rules);
      net.become('alice.example.org', ALICE_AT);
      await net.connect();
      net.moveTo('a', '192.0.2.7');
      await net.run();
      expect([...net.b.sad.places.values()]).toEqual(['192.0.2.7']);
      const { inboundSpi } = net.childOf(site);
      net.site(site).engine.rekeyChild(inboundSpi);
      await net.live(20_000);
      expect(net.held('b')).toEqual([ALICE_AT]);
      expect(net.childOf(site).inboundSpi).not.toBe(inboundSpi);
      expect([...net.b.sad.places.values()]).toEqual(['192.0.2.7']);
    },
  );
});

describe('two peers of one policy', () => {
  const rules = { pad: '*', names: ['*.example.org'], remote: [network('10.9.0.0', 16)] };

  async function both(): Promise<{ readonly net: RoadWarriors; readonly alice: Site }> {
    const net = new RoadWarriors(rules);
    const alice = net.become('alice.example.org', ALICE_AT, [host('10.9.0.1')]);
    await net.connect();
    net.become('bob.example.org', BOB_AT, [host('10.9.0.2')]);
    await net.connect();
    return { net, alice };
  }

  test('have SAs of their own, each for its own address, at its own place', async () => {
    const { net, alice } = await both();
    expect(net.held('b')).toEqual(['10.9.0.1', '10.9.0.2']);
    const { peers, places, outboundOrder } = net.b.sad;
    expect(outboundOrder.map((spi) => [peers.get(spi), places.get(spi)])).toEqual([
      ['site-a alice.example.org', ALICE_AT],
      ['site-a bob.example.org', BOB_AT],
    ]);
    // The first is not disturbed by the second, and can rekey.
    net.again(alice, ALICE_AT);
    net.a.engine.rekeyChild(net.childOf('a').inboundSpi);
    await net.live(20_000);
    expect(net.held('b').toSorted()).toEqual(['10.9.0.1', '10.9.0.2']);
    expect(net.b.sad.peers.get(net.b.sad.outboundOrder.at(-1) ?? 0)).toBe('site-a alice.example.org');
  });

  test('the second does not get what the first has, and gets it when the first has gone', async () => {
    const net = new RoadWarriors(rules);
    const alice = net.become('alice.example.org', ALICE_AT, [network('10.9.0.0')]);
    await net.connect();
    const bob = net.become('bob.example.org', BOB_AT, [host('10.9.0.2')]);
    await net.connect();
    expectRefused(net, 'bob.example.org');
    expect(net.held('b')).toEqual(['10.9.0.0/24']);
    net.again(alice, ALICE_AT);
    net.a.engine.deleteIke('site-b');
    await net.run();
    net.again(bob, BOB_AT);
    net.a.engine.acquire('to-b', undefined);
    await net.run();
    expect(net.held('b')).toEqual(['10.9.0.2']);
  });

  test('the first begins anew, and gets what it had', async () => {
    const { net } = await both();
    net.become('alice.example.org', '192.0.2.7', [host('10.9.0.1')]);
    await net.connect();
    expect(net.a.done).toEqual([{ policy: 'to-b', installed: true }]);
    expect(net.held('b').toSorted()).toEqual(['10.9.0.1', '10.9.0.2']);
  });
});

test('nobody is asked for SAs of a name: a packet is answered at once, and nothing is sent', async () => {
  const net = new RoadWarriors({ pad: '*', names: ['*.example.org'] });
  net.become('alice.example.org', ALICE_AT);
  await net.connect();
  const before = net.sent.length;
  net.b.engine.acquire('to-a', [host('10.0.2.5'), host('10.9.0.1')]);
  await net.run();
  expect(net.b.done).toEqual([{ policy: 'to-a', installed: false }]);
  expect(net.sent.length).toBe(before);
});

describe('RFC 4301 §4.4.3.4: the PAD allows less than the policy', () => {
  /** Both policies name 10.0.0.0/16; the PAD of site `narrow` gives the other 10.0.x.0/25 only. */
  function pair(narrow: SiteName, asked = network('10.0.0.0', 16)): IkeNetwork {
    return new IkeNetwork((connection, site) => ({
      ...connection,
      children: connection.children.map((child) => ({
        ...child,
        local: [asked],
        remote: [
          site === narrow ? network(site === 'a' ? '10.0.2.0' : '10.0.1.0', 25) : network('10.0.0.0', 16),
        ],
      })),
    }));
  }
  const packet = (from: string, to: string) => [host(from), host(to)] as const;

  test('this side asks for no more, and for nothing where a packet goes elsewhere', async () => {
    const net = pair('a');
    net.a.engine.acquire('to-b', packet('10.0.1.5', '10.0.2.200'));
    await net.run();
    expect(net.sent).toEqual([]);
    expect(net.a.done).toEqual([{ policy: 'to-b', installed: false }]);
    net.a.engine.acquire('to-b', packet('10.0.1.5', '10.0.2.7'));
    await net.run();
    expect(net.childOf('b').local).toEqual([network('10.0.2.0', 25)]);
  });

  test('the peer gets no more', async () => {
    const net = pair('b');
    net.a.engine.acquire('to-b', packet('10.0.1.5', '10.0.2.7'));
    await net.run();
    expect(net.childOf('b').remote).toEqual([network('10.0.1.0', 25)]);
    expect(net.childOf('a').local).toEqual([network('10.0.1.0', 25)]);
  });

  test('the peer that asks for other traffic alone gets TS_UNACCEPTABLE, and is audited', async () => {
    const net = pair('b', network('10.0.7.0'));
    net.a.engine.acquire('to-b', packet('10.0.7.5', '10.0.2.7'));
    await net.run();
    expect(net.a.done).toEqual([{ policy: 'to-b', installed: false }]);
    expect(net.a.told.some((line) => line.includes('TS_UNACCEPTABLE'))).toBe(true);
    expect(net.b.told.filter((line) => line.includes('"audit":"ts-unacceptable"')).length).toBe(1);
  });
});
