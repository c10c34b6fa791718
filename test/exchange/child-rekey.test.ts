// Rekeying of Child SAs between two engines, alone, at once, and across deletions: RFC 7296 §1.3.3, §2.8, §2.8.1, §2.25.1.

import { describe, expect, test } from 'vitest';
import { GroupId } from '../../src/wire/ike/iana.ts';
import { expectAgreement, expectTunnels } from '../support/ike-agreement.ts';
import { ESP_PROPOSAL, IkeNetwork, other, type Flying, type SiteName } from '../support/ike-network.ts';

const LINGER_MS = 5000;
const SITES = ['a', 'b'] as const;

async function connected(net = new IkeNetwork()): Promise<IkeNetwork> {
  await net.connect();
  net.sent.length = 0;
  return net;
}

/** Asks a site for a rekey of its only Child SA; the request is on its way. */
async function begin(net: IkeNetwork, site: SiteName): Promise<Flying> {
  const { engine } = net.site(site);
  engine.rekeyChild(net.childOf(site).inboundSpi);
  await net.settled();
  return net.takeFrom(site);
}

describe.each(SITES)('RFC 7296 §1.3.3: site %s rekeys', (site) => {
  test('four messages: the new SA, then the deletion of the old one by who began', async () => {
    const net = await connected();
    const old = net.childOf(site).inboundSpi;
    net.site(site).engine.rekeyChild(old);
    await net.run();
    expect(net.sent.map(({ to, name }) => `${name} to ${to}`)).toEqual([
      expect.stringMatching(`CREATE_CHILD_SA request \\d to ${other(site)}`), //  N(REKEY_SA), SA, Ni, KEi, TS ──►
      expect.stringMatching(`CREATE_CHILD_SA response \\d to ${site}`), //        ◄── SA, Nr, KEr, TS
      expect.stringMatching(`INFORMATIONAL request \\d to ${other(site)}`), //    D(old) ──►
      expect.stringMatching(`INFORMATIONAL response \\d to ${site}`), //          ◄── D(old of the other side)
    ]);
    expectTunnels(net, 1);
    expect(net.childOf(site).inboundSpi).not.toBe(old);
    // RFC 7296 §2.8: packets that are on their way still arrive, for a while.
    expect(net.a.sad.inbound.size).toBe(2);
    expect(net.b.sad.inbound.size).toBe(2);
    await net.live(LINGER_MS);
    expectAgreement(net);
  });

  test('RFC 7296 §2.8: the responder sends by the old SA until a packet shows that the peer has the new one', async () => {
    const net = await connected();
    const { sad, engine } = net.site(other(site));
    const [old] = sad.outboundOrder;
    //  N(REKEY_SA), SA, Ni, KEi, TS ──►
    await net.deliver(await begin(net, site));
    expect(sad.outboundOrder).toEqual([old]);
    expect(sad.inbound.size).toBe(2);
    engine.firstPacket(engine.states[0]?.children.at(-1)?.inboundSpi ?? 0);
    await net.settled();
    expect(sad.outboundOrder.length).toBe(2);
    await net.run();
    expectTunnels(net, 1);
  });

  test('the initiator sends by the new SA as soon as it has the answer', async () => {
    const net = await connected();
    const { sad } = net.site(site);
    await net.deliver(await begin(net, site));
    expect(sad.outboundOrder.length).toBe(1);
    await net.deliver(net.takeFrom(other(site)));
    expect(sad.outboundOrder.length).toBe(2);
  });

  test.each([0, 1, 2, 3])('message %i is lost, and its repetition makes up for it', async (lost) => {
    const net = await connected();
    net.site(site).engine.rekeyChild(net.childOf(site).inboundSpi);
    await net.settled();
    for (let position = 0; position < lost; position++) await net.deliver(net.take());
    net.take();
    await net.live(20_000);
    expectAgreement(net);
    expectTunnels(net, 1);
  });

  test.each([0, 1, 2, 3])('message %i comes twice, and nothing is made twice', async (position) => {
    const net = await connected();
    net.site(site).engine.rekeyChild(net.childOf(site).inboundSpi);
    await net.settled();
    for (let before = 0; before < position; before++) await net.deliver(net.take());
    const twice = net.take();
    await net.deliver(twice);
    await net.deliver(twice);
    await net.live(20_000);
    expectAgreement(net);
    expectTunnels(net, 1);
  });

  test('a soft limit that is met several times makes one rekey', async () => {
    const net = await connected();
    const { engine } = net.site(site);
    const { inboundSpi } = net.childOf(site);
    for (let count = 0; count < 5; count++) engine.rekeyChild(inboundSpi);
    await net.run();
    engine.rekeyChild(inboundSpi);
    await net.run();
    expect(net.sent.length).toBe(4);
  });

  test('RFC 7296 §1.3: INVALID_KE_PAYLOAD, and the rekey is asked for with the group that the peer wants', async () => {
    const groups = (order: readonly number[]) => order.map((id) => ({ id }));
    const wanting = other(site);
    const net = await connected(
      new IkeNetwork((connection, name) => ({
        ...connection,
        children: connection.children.map((child) => ({
          ...child,
          proposals: [
            {
              ...ESP_PROPOSAL,
              groups: groups(name === wanting ? [GroupId.ECP_256] : [GroupId.CURVE25519, GroupId.ECP_256]),
            },
          ],
        })),
      })),
    );
    net.site(site).engine.rekeyChild(net.childOf(site).inboundSpi);
    await net.run();
    //  KEi(31) ──►  ◄── N(INVALID_KE_PAYLOAD, 19)  KEi(19) ──►  ◄── KEr  D ──►  ◄── D
    expect(net.sent.length).toBe(6);
    expectTunnels(net, 1);
    for (const name of SITES) expect(net.childOf(name).group).toBe(GroupId.ECP_256);
  });
});

/** All orders in which two sequences can be merged. */
function merges(left: string, right: string): readonly string[] {
  if (left === '' || right === '') return [left + right];
  const [first = '', second = ''] = [left[0], right[0]];
  return [
    ...merges(left.slice(1), right).map((rest) => first + rest),
    ...merges(left, right.slice(1)).map((rest) => second + rest),
  ];
}

/** `a` delivers the next message that is for a, A loses it. */
async function follow(net: IkeNetwork, order: string): Promise<void> {
  for (const letter of order) {
    const to = letter.toLowerCase() as SiteName;
    if (!net.flying.some((flying) => flying.to === to)) continue;
    const message = net.takeFrom(other(to));
    if (letter === to) await net.deliver(message);
    expectNothingLost(net);
  }
  await net.live(60_000);
}

/** RFC 7296 §2.8: packets leave by the newest outbound SA, and the peer has its inbound SA already. */
function expectNothingLost(net: IkeNetwork): void {
  for (const site of SITES)
    expect([...net.site(other(site)).sad.inbound.keys()]).toContain(net.site(site).sad.outboundOrder.at(-1));
}

function losing(order: string, at: number): string {
  return order.slice(0, at) + order.charAt(at).toUpperCase() + order.slice(at + 1);
}

/** Both sides begin. */
async function collide(lowest: SiteName): Promise<IkeNetwork> {
  const net = await connected();
  net.lowerNonce(lowest);
  for (const site of SITES) net.site(site).engine.rekeyChild(net.childOf(site).inboundSpi);
  await net.settled();
  return net;
}

describe.each(SITES)('RFC 7296 §2.8.1: both sides rekey at once, site %s with the lowest nonce', (lowest) => {
  //  a: N(REKEY_SA), SA, Ni1 ──►           ◄── b: N(REKEY_SA), SA, Ni2
  //  ──► and ◄── cross; each side answers; one deletes its own new SA, the other the old one
  test.each(merges('aaaa', 'bbbb'))('in the order %s', async (order) => {
    const net = await collide(lowest);
    await follow(net, order);
    expectAgreement(net);
    expectTunnels(net, 1);
  });

  test('where both notice it, the survivor is that without the lowest nonce, and who made it deletes the old SA', async () => {
    const net = await collide(lowest);
    // GETSPI counts: the first SPI is the old SA's, the second is offered, the third is in the answer.
    const old = { a: net.childOf('a').inboundSpi, b: net.childOf('b').inboundSpi };
    //  a ──► b, b ──► a: both requests, then both answers
    await follow(net, 'abab');
    expectTunnels(net, 1);
    expect(net.childOf(lowest).inboundSpi).toBe(old[lowest] + 2);
    expect(net.childOf(other(lowest)).inboundSpi).toBe(old[other(lowest)] + 1);
    for (const site of SITES)
      expect(net.site(site).told.some((line) => line.startsWith('both sides rekeyed at once'))).toBe(true);
  });

  test('where one answer is late, packets leave by the SA that stays, not by one that the peer does not have', async () => {
    const net = await collide(lowest);
    const winner = other(lowest);
    const requests = { [winner]: net.takeFrom(winner), [lowest]: net.takeFrom(lowest) };
    //  lowest: N(REKEY_SA), SA, Ni2 ──►        (◄── the answer is late)
    await net.deliver(requests[lowest]!);
    const late = net.takeFrom(winner);
    //  winner: N(REKEY_SA), SA, Ni1 ──►        ◄── SA, Nr1        D(old) ──►        ◄── D(old)
    await net.deliver(requests[winner]!);
    await net.deliver(net.takeFrom(lowest));
    await net.deliver(net.takeFrom(winner));
    await net.deliver(net.takeFrom(lowest));
    expectNothingLost(net);
    await net.deliver(late);
    await net.live(60_000);
    expectAgreement(net);
    expectTunnels(net, 1);
  });

  test.each(
    ['abab', 'aabb', 'bbaa', 'abba', 'baab'].flatMap((order) => [0, 1, 2, 3].map((at) => losing(order, at))),
  )('in the order %s, where the capital one is lost', async (order) => {
    const net = await collide(lowest);
    await follow(net, order);
    expectAgreement(net);
    expectTunnels(net, 1);
  });
});

describe.each(SITES)('RFC 7296 §2.25.1: site %s rekeys what the other deletes', (site) => {
  test('who is deleting says TEMPORARY_FAILURE, and the rekey ends with the SA', async () => {
    const net = await connected();
    const rekey = await begin(net, site);
    net.site(other(site)).engine.deleteChild(net.childOf(other(site)).inboundSpi);
    await net.settled();
    //  N(REKEY_SA) ──►  (crosses ◄── D)   ◄── N(TEMPORARY_FAILURE)   D ──►
    const deletion = net.takeFrom(other(site));
    await net.deliver(rekey);
    await net.deliver(deletion);
    await net.live(60_000);
    expectAgreement(net);
    expectTunnels(net, 0);
    expect(net.sent.length).toBe(4);
    expect(net.site(site).told.some((line) => line.startsWith('the peer has no time now'))).toBe(true);
  });

  test('a rekey of what is gone is answered with CHILD_SA_NOT_FOUND', async () => {
    const net = await connected();
    const rekey = await begin(net, site);
    net.site(other(site)).engine.deleteChild(net.childOf(other(site)).inboundSpi);
    await net.settled();
    //  ◄── D   D ──►   and the request that was sent before comes only now
    await net.deliver(net.takeFrom(other(site)));
    await net.deliver(net.takeFrom(site));
    await net.deliver(rekey);
    await net.live(60_000);
    expectAgreement(net);
    expectTunnels(net, 0);
    expect(net.site(site).told.some((line) => line.includes('CHILD_SA_NOT_FOUND'))).toBe(true);
  });

  test('a deletion that overtakes the answer which made the SA', async () => {
    const net = await connected();
    await net.deliver(await begin(net, site));
    const answer = net.takeFrom(other(site));
    const made = net.site(other(site)).engine.states[0]?.children.at(-1);
    net.site(other(site)).engine.deleteChild(made?.inboundSpi ?? 0);
    await net.settled();
    //  ◄── D(new)   before   ◄── SA, Nr, KEr, TS
    await net.deliver(net.takeFrom(other(site)));
    await net.deliver(answer);
    await net.live(60_000);
    expectAgreement(net);
    expectTunnels(net, 0);
  });
});

test('RFC 7296 §1.4.1: deletions that cross are answered without a Delete payload', async () => {
  const net = await connected();
  for (const site of SITES) net.site(site).engine.deleteChild(net.childOf(site).inboundSpi);
  await net.settled();
  //  D ──►  ◄── D  cross; both answers are empty
  await net.run();
  expect(net.sent.length).toBe(4);
  const [ofA, ofB] = net.sent.slice(2).map(({ bytes }) => bytes.length);
  expect(ofA).toBe(ofB);
  expect(ofA).toBeLessThan(net.sent[0]?.bytes.length ?? 0);
  await net.live(LINGER_MS);
  expectAgreement(net);
  expectTunnels(net, 0);
});

test('RFC 7296 §2.17: every rekey has keys of its own', async () => {
  const net = await connected();
  const keys = new Set<string>();
  for (let count = 0; count < 10; count++) {
    const site = count % 2 === 0 ? 'a' : 'b';
    net.site(site).engine.rekeyChild(net.childOf(site).inboundSpi);
    await net.live(LINGER_MS + 1000);
    expectAgreement(net);
    for (const { sad } of [net.a, net.b]) for (const key of sad.outbound.values()) keys.add(key);
  }
  expect(keys.size).toBe(20);
});

test.each(SITES)(
  'RFC 7296 §2.8: what site %s has replaced, the other does not rekey as well',
  async (site) => {
    const net = await connected();
    const old = net.childOf(other(site)).inboundSpi;
    await net.deliver(await begin(net, site));
    //  ◄── SA, Nr, KEr, TS is lost; the soft limit of the other side comes
    net.flying.length = 0;
    net.site(other(site)).engine.rekeyChild(old);
    await net.settled();
    expect(net.flying).toEqual([]);
    await net.live(60_000);
    expectAgreement(net);
    expectTunnels(net, 1);
  },
);
