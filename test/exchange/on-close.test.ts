// What follows a deletion by the peer, its silence, and a hard limit: RFC 7296 §1.4.1, §2.4; and what is wanted of an IKE SA
// whose SAs could not be put in force.

import { describe, expect, test } from 'vitest';
import type { ChildPolicy, OnClose } from '../../src/ike/connection.ts';
import { parseIdentityPattern } from '../../src/pad/identity.ts';
import { GroupId } from '../../src/wire/ike/iana.ts';
import { expectAgreement, expectTunnels } from '../support/ike-agreement.ts';
import { IKE_PROPOSAL, IkeNetwork, other } from '../support/ike-network.ts';

const SITES = ['a', 'b'] as const;

/** Site A is `onClose`; site B never begins. */
function build(onClose: OnClose, more: Partial<ChildPolicy> = {}): IkeNetwork {
  return new IkeNetwork((connection, name) => ({
    ...connection,
    livenessMs: name === 'a' ? 30_000 : 0,
    children: connection.children.map((child) => ({
      ...child,
      ...more,
      onClose: name === 'a' ? onClose : 'close',
    })),
  }));
}

async function connected(onClose: OnClose): Promise<IkeNetwork> {
  const net = build(onClose);
  await net.connect();
  return net;
}

const DELETIONS = {
  'the Child SA': (net: IkeNetwork): void => {
    net.b.engine.deleteChild(net.childOf('b').inboundSpi);
  },
  'the IKE SA': (net: IkeNetwork): void => {
    net.b.engine.deleteIke('site-a');
  },
} as const;

describe.each(Object.entries(DELETIONS))('the peer deletes %s', (_, remove) => {
  test('restart: it is made again, without a packet', async () => {
    const net = await connected('restart');
    remove(net);
    //  ◄── D   ──► {}, and then the exchanges that make another
    await net.live(20_000);
    expectTunnels(net, 1);
    expectAgreement(net);
  });

  test('trap: the next packet makes it again, and nothing before', async () => {
    const net = await connected('trap');
    remove(net);
    await net.live(20_000);
    expectTunnels(net, 0);
    await net.connect();
    expectTunnels(net, 1);
  });

  test('close: no packet makes it again, until the configuration is read anew', async () => {
    const net = await connected('close');
    remove(net);
    await net.live(20_000);
    await net.connect();
    expectTunnels(net, 0);
    expect(net.a.done.at(-1)).toEqual({ policy: 'to-b', installed: false });
    const [connection] = net.connections('a');
    net.a.engine.useConnections(connection === undefined ? [] : [connection]);
    await net.connect();
    expectTunnels(net, 1);
  });
});

test('restart: what this side deletes itself stays away', async () => {
  const net = await connected('restart');
  net.a.engine.deleteIke('site-b');
  await net.live(20_000);
  expect(net.states('a')).toEqual([]);
});

test('restart: a peer that is dead is tried again until it is there', async () => {
  const net = await connected('restart');
  const until = net.nowMs + 1_500_000;
  net.sent.length = 0;
  while (net.nowMs < until) {
    await net.pass(5000);
    net.flying.length = 0;
  }
  const attempts = new Set(
    net.sent
      .filter(({ name, to }) => name === 'IKE_SA_INIT request 0' && to === 'b')
      .map(({ bytes }) => Buffer.from(bytes).toString('hex')),
  );
  expect(attempts.size).toBeGreaterThan(3);
  expect(attempts.size).toBeLessThan(10);
  net.restart('b');
  await net.live(600_000);
  expectTunnels(net, 1);
  expectAgreement(net);
});

test('restart: SAs that end at a hard limit are made again', async () => {
  const net = await connected('restart');
  net.a.engine.childEnded(net.childOf('a').inboundSpi);
  await net.live(20_000);
  expectTunnels(net, 1);
  expectAgreement(net);
});

test('restart: an IKE SA that could not be replaced ends, and another comes', async () => {
  const net = new IkeNetwork((connection) => ({
    ...connection,
    rekeyMs: 50_000,
    expireMs: 50_000,
    children: connection.children.map((child) => ({ ...child, onClose: 'restart' as const })),
  }));
  await net.connect();
  const [first] = net.states('a');
  await net.live(58_000);
  expectTunnels(net, 1);
  expect(net.states('a').map(({ localSpi }) => localSpi)).not.toContain(first?.localSpi);
});

test('a policy that this side does not ask for is left to the peer', async () => {
  const net = new IkeNetwork((connection, name) => ({
    ...connection,
    children: connection.children.map((child) => ({ ...child, isAskedFor: name === 'b' })),
  }));
  await net.connect();
  expect(net.sent).toEqual([]);
  expect(net.a.done).toEqual([{ policy: 'to-b', installed: false }]);
  net.b.engine.acquire('to-a', undefined);
  await net.run();
  expectTunnels(net, 1);
});

describe.each(SITES)('site %s', (site) => {
  test.each([0, 1])(
    'a Child SA that is deleted while it is rekeyed takes its successor along',
    async (at) => {
      const net = new IkeNetwork();
      await net.connect();
      net.site(site).engine.rekeyChild(net.childOf(site).inboundSpi);
      await net.settled();
      //  CREATE_CHILD_SA ──►   and with at = 1 its answer is under way, when this side changes its mind
      for (let count = 0; count < at; count++) await net.deliver(net.take());
      net.site(site).engine.deleteChild(net.childOf(site).inboundSpi);
      await net.live(20_000);
      expectTunnels(net, 0);
      expectAgreement(net);
    },
  );

  test('a Child SA that the peer is replacing goes with what replaces it', async () => {
    const net = new IkeNetwork();
    await net.connect();
    const { inboundSpi } = net.childOf(site);
    net.site(other(site)).engine.rekeyChild(net.childOf(other(site)).inboundSpi);
    await net.settled();
    await net.deliver(net.take());
    //  ◄── CREATE_CHILD_SA   ──► its answer, which is under way
    net.site(site).engine.deleteChild(inboundSpi);
    await net.live(20_000);
    expectTunnels(net, 0);
    expectAgreement(net);
  });

  test.each(['install-inbound', 'install-outbound'] as const)(
    'an %s that fails ends the IKE SA, and no message says that it is there',
    async (type) => {
      const net = new IkeNetwork();
      net.site(site).sad.refusals.add(type);
      // What was never installed cannot be removed either.
      net.site(site).sad.isForgiving = true;
      await net.connect();
      await net.live(400_000);
      expect(net.states(site)).toEqual([]);
      expect(net.site(site).sad.inbound.size + net.site(site).sad.outbound.size).toBe(0);
      expect(net.site(site).told.some((line) => line.includes('could not do'))).toBe(true);
      net.site(site).sad.isForgiving = false;
      await net.connect();
      await net.live(20_000);
      expect(net.site(site).sad.outbound.size).toBe(1);
    },
  );
});

test('RFC 7296 §2.7: a peer that is allowed less than another of its address is held to that', async () => {
  const net = new IkeNetwork();
  const [own] = net.connections('b');
  if (own === undefined) throw new Error('no connection');
  const strict = { ...own, proposals: [{ ...IKE_PROPOSAL, groups: [{ id: GroupId.ECP_521 }] }] };
  // Another peer of the same address allows what site A offers.
  const identity = parseIdentityPattern('gw-c.example.org');
  const { remote } = own.pad;
  if (identity === undefined) throw new Error('no identity');
  const lax = {
    ...own,
    name: 'site-c',
    children: [],
    pad: { ...own.pad, remote: { ...remote, identity } },
  };
  net.b.engine.useConnections([strict, lax]);
  await net.connect();
  expect(net.states('b')).toEqual([]);
  expect(net.b.told.some((line) => line.includes('allowed to another peer'))).toBe(true);
});
