// Rekeying of IKE SAs between two engines, alone, at once, and across other exchanges: RFC 7296 §1.3.2, §2.8.2, §2.18,
// §2.25.2.

import { describe, expect, test } from 'vitest';
import { expectAgreement, expectTunnels } from '../support/ike-agreement.ts';
import { IkeNetwork, other, type Flying, type SiteName } from '../support/ike-network.ts';

const SITES = ['a', 'b'] as const;

async function connected(): Promise<IkeNetwork> {
  const net = new IkeNetwork();
  await net.connect();
  net.sent.length = 0;
  return net;
}

function rekey(net: IkeNetwork, site: SiteName): void {
  const { engine } = net.site(site);
  for (const { localSpi } of engine.states) engine.rekeyIke(localSpi);
}

async function begin(net: IkeNetwork, site: SiteName): Promise<Flying> {
  rekey(net, site);
  await net.settled();
  return net.takeFrom(site);
}

function spisOf(net: IkeNetwork, site: SiteName): readonly string[] {
  return net.states(site).map(({ localSpi }) => localSpi);
}

/** One IKE SA, one tunnel, and both still of use. */
async function expectOneIkeSa(net: IkeNetwork): Promise<void> {
  expectAgreement(net);
  expectTunnels(net, 1);
  for (const site of SITES) {
    expect(net.states(site).length).toBe(1);
    net.site(site).engine.rekeyChild(net.childOf(site).inboundSpi);
    await net.live(10_000);
    expectAgreement(net);
    expectTunnels(net, 1);
  }
}

describe.each(SITES)('RFC 7296 §1.3.2: site %s rekeys', (site) => {
  test('four messages; the Child SAs are inherited and can be rekeyed', async () => {
    const net = await connected();
    const before = { spis: spisOf(net, site), sas: new Map(net.a.sad.outbound) };
    rekey(net, site);
    await net.run();
    expect(net.sent.map(({ to, name }) => `${name} to ${to}`)).toEqual([
      expect.stringMatching(`CREATE_CHILD_SA request \\d to ${other(site)}`), //  SA, Ni, KEi ──►
      expect.stringMatching(`CREATE_CHILD_SA response \\d to ${site}`), //        ◄── SA, Nr, KEr
      expect.stringMatching(`INFORMATIONAL request \\d to ${other(site)}`), //    D(IKE) ──►
      expect.stringMatching(`INFORMATIONAL response \\d to ${site}`), //          ◄── {}
    ]);
    // Nothing of the Child SAs has changed.
    expect(net.a.sad.outbound).toEqual(before.sas);
    expect(spisOf(net, site)).not.toEqual(before.spis);
    await expectOneIkeSa(net);
  });

  test('RFC 7296 §2.2: message IDs begin at 0 again, each way; who rekeyed is the initiator', async () => {
    const net = await connected();
    rekey(net, site);
    await net.run();
    expect(net.states(site).map(({ role }) => role)).toEqual(['initiator']);
    expect(net.states(other(site)).map(({ role }) => role)).toEqual(['responder']);
    for (const asking of SITES) {
      net.sent.length = 0;
      net.site(asking).engine.rekeyChild(net.childOf(asking).inboundSpi);
      await net.run();
      expect(net.sent[0]?.name).toBe('CREATE_CHILD_SA request 0');
    }
  });

  test.each([0, 1, 2, 3])('message %i is lost, and its repetition makes up for it', async (lost) => {
    const net = await connected();
    rekey(net, site);
    await net.settled();
    for (let position = 0; position < lost; position++) await net.deliver(net.take());
    net.take();
    // The last answer is not repeated once the old IKE SA is gone; who asked gives it up in the end.
    await net.live(400_000);
    await expectOneIkeSa(net);
  });

  test.each([0, 1, 2, 3])('message %i comes twice, and nothing is made twice', async (position) => {
    const net = await connected();
    rekey(net, site);
    await net.settled();
    for (let before = 0; before < position; before++) await net.deliver(net.take());
    const twice = net.take();
    await net.deliver(twice);
    await net.deliver(twice);
    await net.live(10_000);
    await expectOneIkeSa(net);
  });
});

function merges(left: string, right: string): readonly string[] {
  if (left === '' || right === '') return [left + right];
  return [
    ...merges(left.slice(1), right).map((rest) => left.charAt(0) + rest),
    ...merges(left, right.slice(1)).map((rest) => right.charAt(0) + rest),
  ];
}

function losing(order: string, at: number): string {
  return order.slice(0, at) + order.charAt(at).toUpperCase() + order.slice(at + 1);
}

/** `a` delivers the next message that is for a, A loses it. */
async function follow(net: IkeNetwork, order: string): Promise<void> {
  for (const letter of order) {
    const to = letter.toLowerCase() as SiteName;
    if (!net.flying.some((flying) => flying.to === to)) continue;
    const message = net.takeFrom(other(to));
    if (letter === to) await net.deliver(message);
  }
  await net.live(400_000);
}

async function collide(lowest: SiteName): Promise<IkeNetwork> {
  const net = await connected();
  net.lowerNonce(lowest);
  for (const site of SITES) rekey(net, site);
  await net.settled();
  return net;
}

describe.each(SITES)('RFC 7296 §2.8.2: both sides rekey at once, site %s with the lowest nonce', (lowest) => {
  //  a: SA, Ni1, KEi ──►  crosses  ◄── b: SA, Ni2, KEi; both answer; the successor with the lowest nonce is deleted
  //  by who made it, the old IKE SA by the other
  test.each(merges('aaaa', 'bbbb'))('in the order %s', async (order) => {
    const net = await collide(lowest);
    await follow(net, order);
    await expectOneIkeSa(net);
  });

  test.each(merges('aaa', 'bbb').flatMap((order) => [0, 1, 2, 3, 4, 5].map((at) => losing(order, at))))(
    'in the order %s, where the capital one is lost',
    async (order) => {
      const net = await collide(lowest);
      await follow(net, order);
      await expectOneIkeSa(net);
    },
  );

  test('where both notice it, the successor without the lowest nonce has the Child SAs', async () => {
    const net = await collide(lowest);
    await follow(net, 'abab');
    expect(net.states(other(lowest)).map(({ role }) => role)).toEqual(['initiator']);
    await expectOneIkeSa(net);
  });

  test('the winner uses its successor before the other side has its answer: no Child SA gets lost', async () => {
    const net = await collide(lowest);
    const winner = other(lowest);
    const [request, counter] = [net.takeFrom(winner), net.takeFrom(lowest)];
    await net.deliver(request);
    await net.deliver(counter);
    //  the loser's answer arrives; the winner's answer and its D(old) are lost
    await net.deliver(net.takeFrom(lowest));
    net.flying.length = 0;
    net.site(winner).engine.deleteChild(net.childOf(winner).inboundSpi);
    await net.settled();
    //  D(Child) under the successor ──►
    await net.live(400_000);
    expectAgreement(net);
    expectTunnels(net, 0);
    for (const site of SITES) expect(net.states(site).length).toBe(1);
  });
});

describe.each(SITES)('RFC 7296 §2.25.2: site %s rekeys the IKE SA', (site) => {
  test('a rekey of a Child SA crosses it: TEMPORARY_FAILURE both ways, and both are done later', async () => {
    const net = await connected();
    const ofIke = await begin(net, site);
    const child = net.childOf(other(site)).inboundSpi;
    net.site(other(site)).engine.rekeyChild(child);
    await net.settled();
    const ofChild = net.takeFrom(other(site));
    const spis = spisOf(net, site);
    await net.deliver(ofIke);
    await net.deliver(ofChild);
    await net.run();
    for (const name of SITES)
      expect(net.site(name).told.some((line) => line.startsWith('the peer has no time now'))).toBe(true);
    expect(spisOf(net, site)).toEqual(spis);
    expect(net.childOf(other(site)).inboundSpi).toBe(child);
    await net.live(60_000);
    expect(spisOf(net, site)).not.toEqual(spis);
    expect(net.childOf(other(site)).inboundSpi).not.toBe(child);
    await expectOneIkeSa(net);
  });

  test('a deletion of a Child SA crosses it: answered as usual, and the rekey is done later', async () => {
    const net = await connected();
    const ofIke = await begin(net, site);
    net.site(other(site)).engine.deleteChild(net.childOf(other(site)).inboundSpi);
    await net.settled();
    const ofChild = net.takeFrom(other(site));
    const spis = spisOf(net, site);
    await net.deliver(ofIke);
    await net.deliver(ofChild);
    await net.live(60_000);
    expectAgreement(net);
    expectTunnels(net, 0);
    expect(spisOf(net, site)).not.toEqual(spis);
  });

  test('a deletion of the IKE SA crosses it: the rekey is forgotten, and both sides have nothing', async () => {
    const net = await connected();
    const ofIke = await begin(net, site);
    net.site(other(site)).engine.deleteIke(net.site(other(site)).peer);
    await net.settled();
    const deletion = net.takeFrom(other(site));
    await net.deliver(ofIke);
    await net.deliver(deletion);
    await net.live(400_000);
    for (const name of SITES) expect(net.states(name)).toEqual([]);
    expectAgreement(net);
  });

  test('a deletion that is wanted while the answer is on its way is one of the successor', async () => {
    const net = await connected();
    const ofIke = await begin(net, site);
    net.site(site).engine.deleteIke(net.site(site).peer);
    await net.settled();
    await net.deliver(ofIke);
    await net.live(400_000);
    for (const name of SITES) expect(net.states(name)).toEqual([]);
    expectAgreement(net);
  });

  test('packets that ask for a Child SA meanwhile get it from the successor', async () => {
    const net = await connected();
    net.site(site).engine.deleteChild(net.childOf(site).inboundSpi);
    await net.live(10_000);
    const { engine, policies, done } = net.site(site);
    done.length = 0;
    const ofIke = await begin(net, site);
    engine.acquire(policies[0] ?? '', undefined);
    await net.settled();
    await net.deliver(ofIke);
    await net.live(60_000);
    expect(done).toEqual([{ policy: policies[0], installed: true }]);
    await expectOneIkeSa(net);
  });
});

test('RFC 7296 §2.8: an IKE SA is replaced when its time comes', async () => {
  const net = new IkeNetwork((connection, site) =>
    site === 'a' ? { ...connection, rekeyMs: 3_600_000 } : connection,
  );
  await net.connect();
  const spis = spisOf(net, 'a');
  await net.live(3_500_000);
  expect(spisOf(net, 'a')).toEqual(spis);
  await net.live(200_000);
  expect(spisOf(net, 'a')).not.toEqual(spis);
  await expectOneIkeSa(net);
});

test('an IKE SA that cannot be replaced ends at its limit, and the peer is told', async () => {
  const net = new IkeNetwork((connection, site) => ({
    ...connection,
    rekeyMs: 9_000_000,
    expireMs: site === 'a' ? 3_600_000 : 9_000_000,
  }));
  await net.connect();
  await net.live(3_700_000);
  //  D(IKE) ──►   ◄── {}
  expect(net.sent.at(-2)?.name).toContain('INFORMATIONAL request');
  for (const site of SITES) expect(net.states(site)).toEqual([]);
  expectAgreement(net);
});
