// IKE_SA_INIT and IKE_AUTH between two engines: RFC 7296 §1.2, §2.6, §2.7, §2.15, §2.21.

import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/ike/connection.ts';
import { GroupId, IdType, PrfId } from '../../src/wire/ike/iana.ts';
import { IKE_PROPOSAL, IkeNetwork, network, type SiteName } from '../support/ike-network.ts';

/** What each site sends by, the other receives by, with the same key. */
export function expectTunnel({ a, b }: IkeNetwork, count = 1): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    expect(from.sad.outbound.size).toBe(count);
    for (const [spi, key] of from.sad.outbound) expect(to.sad.inbound.get(spi)).toBe(key);
    expect(from.sad.larval.size).toBe(0);
  }
}

function only(site: SiteName, change: (connection: Connection) => Partial<Connection>) {
  return (connection: Connection, name: SiteName): Connection =>
    name === site ? { ...connection, ...change(connection) } : connection;
}

test('four messages make a tunnel', async () => {
  const net = new IkeNetwork();
  await net.connect();
  expect(net.sent.map(({ name, toPort }) => `${name} to ${toPort}`)).toEqual([
    'IKE_SA_INIT request 0 to 500', //  HDR, SAi1, KEi, Ni            ──►
    'IKE_SA_INIT response 0 to 500', //                               ◄── HDR, SAr1, KEr, Nr
    'IKE_AUTH request 1 to 4500', //    HDR, SK {IDi, AUTH, SA, TS}   ──►
    'IKE_AUTH response 1 to 4500', //                                 ◄── HDR, SK {IDr, AUTH, SA, TS}
  ]);
  expectTunnel(net);
  expect(net.a.done).toEqual([{ policy: 'to-b', installed: true }]);
  for (const site of ['a', 'b'] as const)
    expect(net.states(site).map(({ phase }) => phase)).toEqual(['established']);
});

test('RFC 7296 §2.15: a wrong shared secret ends both sides without a tunnel', async () => {
  const wrong = new TextEncoder().encode('another secret');
  const net = new IkeNetwork(
    only('b', ({ pad }) => {
      const authentication = { method: 'psk', secret: wrong } as const;
      return {
        pad: {
          ...pad,
          local: { ...pad.local, authentication },
          remote: { ...pad.remote, authentication },
        },
      };
    }),
  );
  await net.connect();
  expect(net.states('a')).toEqual([]);
  expect(net.states('b')).toEqual([]);
  expect(net.b.told.some((line) => line.includes('does not prove its identity'))).toBe(true);
  expect(net.a.told.some((line) => line.includes('refuses our authentication'))).toBe(true);
  expect(net.a.done).toEqual([{ policy: 'to-b', installed: false }]);
  expect(net.a.sad.larval.size + net.a.sad.inbound.size + net.b.sad.inbound.size).toBe(0);
});

test('RFC 7296 §2.15: a responder that cannot prove its identity is told so, and gets no packet', async () => {
  const net = new IkeNetwork(
    only('b', ({ pad }) => ({
      pad: {
        ...pad,
        local: { ...pad.local, authentication: { method: 'psk', secret: Uint8Array.of(1) } },
      },
    })),
  );
  await net.connect();
  expect(net.sent.at(-2)?.name).toBe('INFORMATIONAL request 2');
  expect(net.states('a')).toEqual([]);
  expect(net.states('b')).toEqual([]);
  expect(net.b.sad.inbound.size + net.b.sad.outbound.size + net.a.sad.outbound.size).toBe(0);
});

describe('RFC 7296 §1.2: INVALID_KE_PAYLOAD', () => {
  const ecpOnly = only('b', () => ({ proposals: [{ ...IKE_PROPOSAL, groups: [{ id: GroupId.ECP_256 }] }] }));

  test('the initiator tries again with the group that the responder wants', async () => {
    const net = new IkeNetwork(ecpOnly);
    await net.connect();
    expect(net.sent.map(({ name }) => name).slice(0, 4)).toEqual([
      'IKE_SA_INIT request 0', //  KEi(31)  ──►
      'IKE_SA_INIT response 0', //          ◄── N(INVALID_KE_PAYLOAD 19)
      'IKE_SA_INIT request 0', //  KEi(19)  ──►
      'IKE_SA_INIT response 0',
    ]);
    expectTunnel(net);
  });
});

test('RFC 7296 §2.7: without a common proposal both sides say where they do not meet', async () => {
  const net = new IkeNetwork(
    only('b', () => ({ proposals: [{ ...IKE_PROPOSAL, prf: [{ id: PrfId.PRF_HMAC_SHA2_256 }] }] })),
  );
  await net.connect();
  expect(net.b.told.find((line) => line.includes('no IKE proposal'))).toContain(
    'PRF: the peer has PRF_HMAC_SHA2_384, here there is PRF_HMAC_SHA2_256',
  );
  // RFC 7296 §2.21.1: not believed at once.
  expect(net.states('a').map(({ phase }) => phase)).toEqual(['connecting']);
  await net.live(60_000);
  expect(net.states('a')).toEqual([]);
  expect(net.a.told.at(-1)).toContain('NO_PROPOSAL_CHOSEN');
  expect(net.a.done).toEqual([{ policy: 'to-b', installed: false }]);
});

test('RFC 7296 §2.9: the responder narrows, and both have the same selectors', async () => {
  const net = new IkeNetwork(
    only('b', ({ children }) => ({
      children: children.map((child) => ({ ...child, local: [network('10.0.2.128', 25)] })),
    })),
  );
  await net.connect();
  expectTunnel(net);
  const [child] = net.states('a')[0]?.children ?? [];
  expect(child?.remote).toEqual([network('10.0.2.128', 25)]);
});

test('RFC 7296 §2.9: without common selectors the IKE SA stands and the Child SA does not', async () => {
  const net = new IkeNetwork(
    only('b', ({ children }) => ({
      children: children.map((child) => ({ ...child, local: [network('10.9.0.0')] })),
    })),
  );
  await net.connect();
  expect(net.states('a').map(({ phase, children }) => [phase, children.length])).toEqual([
    ['established', 0],
  ]);
  expect(net.a.done).toEqual([{ policy: 'to-b', installed: false }]);
  expect(net.a.told.find((line) => line.includes('refuses a Child SA'))).toContain('TS_UNACCEPTABLE');
  expect(net.a.sad.larval.size).toBe(0);
});

describe('RFC 7296 §2.1: a lost message at every position', () => {
  test.each([0, 1, 2, 3])('message %i is lost, and its repetition makes the tunnel', async (lost) => {
    const net = new IkeNetwork();
    net.a.engine.acquire('to-b', undefined);
    await net.settled();
    for (let position = 0; position < lost; position++) await net.deliver(net.take());
    net.take();
    await net.live(5000);
    expectTunnel(net);
    expect(net.states('b').length).toBe(1);
  });

  test.each([0, 1, 2, 3])('message %i comes twice, and nothing is made twice', async (position) => {
    const net = new IkeNetwork();
    net.a.engine.acquire('to-b', undefined);
    await net.settled();
    for (let before = 0; before < position; before++) await net.deliver(net.take());
    const twice = net.take();
    await net.deliver(twice);
    await net.deliver(twice);
    await net.run();
    expectTunnel(net);
    expect(net.states('b').length).toBe(1);
    expect(net.states('a').length).toBe(1);
  });
});

test('RFC 7296 §2.4: a peer that never answers is given up after the last retransmission', async () => {
  const net = new IkeNetwork();
  net.a.engine.acquire('to-b', undefined);
  await net.settled();
  await net.pass(400_000);
  // The first one, and five repetitions.
  expect(net.sent.length).toBe(6);
  expect(net.states('a')).toEqual([]);
  expect(net.a.done).toEqual([{ policy: 'to-b', installed: false }]);
});

test('RFC 7296 §2.6: a flood of first messages is answered with cookies, and who returns one is served', async () => {
  const net = new IkeNetwork();
  for (let index = 0; index < 40; index++) {
    const other = new IkeNetwork();
    other.a.engine.acquire('to-b', undefined);
    await other.settled();
    await net.deliver(other.take());
  }
  expect(net.states('b').length).toBe(32);
  net.flying.length = 0;
  net.sent.length = 0;
  await net.connect();
  expect(net.sent.map(({ name }) => name)).toEqual([
    'IKE_SA_INIT request 0',
    'IKE_SA_INIT response 0', //  N(COOKIE)
    'IKE_SA_INIT request 0', //   N(COOKIE), SAi1, KEi, Ni
    'IKE_SA_INIT response 0',
    'IKE_AUTH request 1',
    'IKE_AUTH response 1',
  ]);
  expectTunnel(net);
  await net.live(60_000);
  expect(net.states('b').map(({ phase }) => phase)).toEqual(['established']);
});

test('RFC 7296 §2.21.2: one that is asked for another identity than its own says so', async () => {
  const other = { idType: IdType.ID_FQDN, data: new TextEncoder().encode('gw-c.example.org') };
  const net = new IkeNetwork(
    only('a', ({ pad }) => ({ pad: { ...pad, remote: { ...pad.remote, exact: other } } })),
  );
  await net.connect();
  expect(net.b.told.find((line) => line.includes('asks for another identity than ours'))).toContain(
    '"identity":"gw-a.example.org","asksFor":"gw-c.example.org"',
  );
  expect(net.states('a')).toEqual([]);
});
