// Deletions, liveness checks, errors, and messages that must change nothing: RFC 7296 §1.4, §2.1, §2.4, §2.5, §2.21.

import { describe, expect, test } from 'vitest';
import { ExchangeType, NotifyType } from '../../src/wire/ike/iana.ts';
import { decodeMessage } from '../../src/wire/ike/message.ts';
import { forge } from '../support/forged-request.ts';
import { expectAgreement, expectTunnels } from '../support/ike-agreement.ts';
import { IkeNetwork, other, withSecondPolicy, type SiteName } from '../support/ike-network.ts';

const SITES = ['a', 'b'] as const;
const LIVENESS_MS = 30_000;

async function connected(net = new IkeNetwork()): Promise<IkeNetwork> {
  await net.connect();
  net.sent.length = 0;
  return net;
}

function checking(): IkeNetwork {
  return new IkeNetwork((connection) => ({ ...connection, livenessMs: LIVENESS_MS }));
}

/** What changes when a message is believed. */
function snapshot(net: IkeNetwork, site: SiteName): unknown {
  const { sad } = net.site(site);
  return [net.states(site), new Map(sad.inbound), new Map(sad.outbound), net.flying.length];
}

describe.each(SITES)('site %s', (site) => {
  test('RFC 7296 §1.4.1: deletes a Child SA, and the IKE SA stands', async () => {
    const net = await connected();
    net.site(site).engine.deleteChild(net.childOf(site).inboundSpi);
    await net.run();
    //  D(ESP) ──►   ◄── D(ESP)
    expect(net.sent.length).toBe(2);
    expectTunnels(net, 0);
    await net.live(10_000);
    expectAgreement(net);
    expect(net.states('a').length).toBe(1);
  });

  test('RFC 7296 §1.4.1: deletes the IKE SA, and everything goes on both sides', async () => {
    const net = await connected();
    net.site(site).engine.deleteIke(net.site(site).peer);
    await net.run();
    //  D(IKE) ──►   ◄── {}
    expect(net.sent.length).toBe(2);
    for (const name of SITES) expect(net.states(name)).toEqual([]);
    expectAgreement(net);
  });

  test('RFC 7296 §2.25.2: both delete the IKE SA at once', async () => {
    const net = await connected();
    for (const name of SITES) net.site(name).engine.deleteIke(net.site(name).peer);
    await net.live(400_000);
    for (const name of SITES) expect(net.states(name)).toEqual([]);
    expectAgreement(net);
  });

  test('RFC 7296 §2.5: an unknown critical payload is refused by its type, and nothing else happens', async () => {
    const net = await connected();
    forge(net, site, ExchangeType.INFORMATIONAL, [
      { type: 'unknown', payloadType: 200, critical: true, body: Uint8Array.of(1) },
    ]);
    await net.run();
    expect(net.sent.length).toBe(2);
    expectTunnels(net, 1);
    expect(net.states(other(site)).map(({ phase }) => phase)).toEqual(['established']);
  });

  test('RFC 7296 §2.5: an unknown payload that is not critical is passed over', async () => {
    const net = await connected();
    forge(net, site, ExchangeType.INFORMATIONAL, [
      { type: 'unknown', payloadType: 200, critical: false, body: Uint8Array.of(1) },
    ]);
    await net.run();
    expectTunnels(net, 1);
    expect(net.sent.length).toBe(2);
    expect(net.site(other(site)).told.some((line) => line.includes('not as RFC 7296 says'))).toBe(false);
  });

  test('RFC 7296 §2.21.3: an authentic request against the rules ends the IKE SA', async () => {
    const net = await connected();
    forge(net, site, ExchangeType.CREATE_CHILD_SA, [{ type: 'NONCE', nonce: new Uint8Array(32) }]);
    await net.run();
    //  SK {Ni} ──►   ◄── SK {N(INVALID_SYNTAX)}
    expect(net.states(other(site))).toEqual([]);
    expect(net.site(other(site)).sad.inbound.size + net.site(other(site)).sad.outbound.size).toBe(0);
  });

  test('RFC 7296 §1.4.1: a Delete payload that names an SA twice, and one that is not there', async () => {
    const net = await connected();
    const { inboundSpi } = net.childOf(site);
    const spi = Uint8Array.of(inboundSpi >>> 24, inboundSpi >>> 16, inboundSpi >>> 8, inboundSpi);
    const spis = [spi, spi, Uint8Array.of(9, 9, 9, 9)];
    forge(net, site, ExchangeType.INFORMATIONAL, [{ type: 'D', protocolId: 3, spiBytes: 4, spis }]);
    await net.live(10_000);
    const { sad } = net.site(other(site));
    expect([sad.inbound.size, sad.outbound.size]).toEqual([0, 0]);
    expect(net.states(other(site)).length).toBe(1);
  });

  test('RFC 7296 §2.1: a replayed request gets the cached answer, older ones and answers get nothing', async () => {
    const net = await connected();
    for (let count = 0; count < 2; count++) {
      net.site(site).engine.rekeyChild(net.childOf(site).inboundSpi);
      await net.live(10_000);
    }
    const replayed = [...net.sent];
    const [lastRequest] = replayed.filter(({ to }) => to === other(site)).slice(-1);
    const [answer] = replayed.filter(({ to }) => to === site).slice(-1);
    const before = SITES.map((name) => snapshot(net, name));
    net.sent.length = 0;
    for (const message of replayed) await net.deliver(message);
    expect(net.sent.map(({ bytes }) => Buffer.from(bytes))).toEqual([Buffer.from(answer?.bytes ?? [])]);
    expect(lastRequest?.name).toBe(answer?.name.replace('response', 'request'));
    net.flying.length = 0;
    expect(SITES.map((name) => snapshot(net, name))).toEqual(before);
  });

  test('RFC 7296 §2.21.4: what is not authentic changes nothing, whatever its header says', async () => {
    const net = await connected();
    net.site(site).engine.rekeyChild(net.childOf(site).inboundSpi);
    await net.settled();
    const { bytes, ...rest } = net.takeFrom(site);
    const before = SITES.map((name) => snapshot(net, name));
    for (let at = 28; at < bytes.length; at += 7) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await net.deliver({ ...rest, bytes: changed });
    }
    // The Response flag: as if it were the answer to a request of the receiver.
    const turned = Uint8Array.from(bytes);
    turned[19] = (turned[19] ?? 0) ^ 0x20;
    await net.deliver({ ...rest, bytes: turned });
    expect(SITES.map((name) => snapshot(net, name))).toEqual(before);
  });

  test('RFC 7296 §2.4: a peer that is silent is asked; packets or messages of it are as good as an answer', async () => {
    const net = await connected(checking());
    await net.pass(LIVENESS_MS - 1000);
    expect(net.sent).toEqual([]);
    net.trafficMs = net.nowMs;
    await net.pass(LIVENESS_MS - 1000);
    expect(net.sent).toEqual([]);
    await net.pass(2000);
    //  {} ──►   ◄── {}
    expect(net.sent.map(({ name }) => name)).toEqual(
      expect.arrayContaining([expect.stringContaining('INFORMATIONAL')]),
    );
    await net.run();
    expectTunnels(net, 1);
  });

  test('RFC 7296 §2.4: a dead peer: after the last repetition the IKE SA and its Child SAs go', async () => {
    const net = await connected(checking());
    const dead = other(site);
    const until = net.nowMs + 400_000;
    while (net.nowMs < until) {
      await net.pass(1000);
      // Nothing of the dead one arrives, and it gets nothing.
      net.flying.length = 0;
    }
    expect(net.states(site)).toEqual([]);
    expect(net.site(site).sad.inbound.size + net.site(site).sad.outbound.size).toBe(0);
    // The first one, and five repetitions.
    expect(net.sent.filter(({ to }) => to === dead).length).toBe(6);
  });
});

test('RFC 7296 §2.4: INITIAL_CONTACT ends what was before on the other side', async () => {
  const net = await connected();
  // Site a starts anew: b still has the old IKE SA.
  net.restart('a');
  net.a.engine.acquire('to-b', undefined);
  await net.live(10_000);
  expectAgreement(net);
  expectTunnels(net, 1);
  expect(net.states('b').length).toBe(1);
});

test('RFC 7296 §2.4: both begin at once: INITIAL_CONTACT of one does not end what the other has just made', async () => {
  const net = new IkeNetwork();
  net.a.engine.acquire('to-b', undefined);
  net.b.engine.acquire('to-a', undefined);
  await net.live(60_000);
  expectAgreement(net);
  expectTunnels(net, 1);
});

test('RFC 7296 §2.21.4: INVALID_IKE_SPI for what no IKE SA is there for, ten times a second, never to an answer', async () => {
  const net = await connected();
  net.a.engine.rekeyChild(net.childOf('a').inboundSpi);
  await net.settled();
  const request = net.takeFrom('a');
  const bytes = Uint8Array.from(request.bytes);
  bytes[8] = (bytes[8] ?? 0) ^ 1;
  net.sent.length = 0;
  for (let count = 0; count < 50; count++) await net.deliver({ ...request, bytes });
  expect(net.sent.length).toBe(10);
  const [complaint] = net.sent;
  const { payloads } = decodeMessage(complaint?.bytes ?? new Uint8Array(0));
  expect(payloads).toMatchObject([{ type: 'N', notifyType: NotifyType.INVALID_IKE_SPI }]);
  net.nowMs += 1000;
  bytes[19] = (bytes[19] ?? 0) | 0x20;
  await net.deliver({ ...request, bytes });
  expect(net.sent.length).toBe(10);
  // RFC 7296 §1.5: nobody believes it.
  const before = SITES.map((name) => net.states(name));
  if (complaint !== undefined) await net.deliver(complaint);
  expect(SITES.map((name) => net.states(name))).toEqual(before);
});

describe('bounds', () => {
  test('RFC 7296 §2.21.2: a half-open IKE SA goes when IKE_AUTH does not come', async () => {
    const net = new IkeNetwork();
    net.a.engine.acquire('to-b', undefined);
    await net.settled();
    await net.deliver(net.take());
    net.flying.length = 0;
    expect(net.states('b').map(({ phase }) => phase)).toEqual(['half-open']);
    const wait = net.nowMs + 31_000;
    while (net.nowMs < wait) {
      await net.pass(1000);
      net.flying.length = 0;
    }
    expect(net.states('b')).toEqual([]);
  });

  test('a storm of acquires for one policy makes one Child SA, and one task while it waits', async () => {
    const net = new IkeNetwork();
    for (let count = 0; count < 200; count++) net.a.engine.acquire('to-b', undefined);
    await net.settled();
    expect(net.states('a')[0]?.tasks.length).toBeLessThanOrEqual(1);
    await net.run();
    for (let count = 0; count < 200; count++) net.a.engine.acquire('to-b', undefined);
    await net.run();
    expectTunnels(net, 1);
    expectAgreement(net);
    expect(net.sent.length).toBe(4);
  });

  test('acquires of several policies, while connecting and after, end in as many Child SAs', async () => {
    const net = new IkeNetwork(withSecondPolicy);
    for (const policy of net.a.policies) net.a.engine.acquire(policy, undefined);
    await net.run();
    expectTunnels(net, 2);
    expectAgreement(net);
    expect(new Set(net.states('b')[0]?.children.map(({ policy }) => policy))).toEqual(
      new Set(net.b.policies),
    );
    expect(net.a.done).toEqual(net.a.policies.map((policy) => ({ policy, installed: true })));
  });
});

test('RFC 7296 §2.4: an INITIAL_CONTACT that comes late does not end what was made since its IKE SA began', async () => {
  const net = new IkeNetwork();
  net.a.engine.acquire('to-b', undefined);
  net.b.engine.acquire('to-a', undefined);
  await net.settled();
  //  both IKE_SA_INIT; both IKE_AUTH, each with N(INITIAL_CONTACT), are on their way
  for (let count = 0; count < 4; count++) await net.deliver(net.take());
  const late = net.takeFrom('a');
  //  ◄── b: IKE_AUTH   ──► its answer; only then a's IKE_AUTH ──►
  await net.deliver(net.takeFrom('b'));
  await net.deliver(net.takeFrom('a'));
  await net.deliver(late);
  await net.live(60_000);
  expectAgreement(net);
  expectTunnels(net, 1);
});
