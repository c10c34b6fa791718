// One IKE SA between a pair of identities, or several: RFC 7296 §2.4. Both sides begin at once, in every order of messages.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Uniqueness } from '../../src/ike/connection.ts';
import { expectAgreement } from '../support/ike-agreement.ts';
import { IkeNetwork, withSecondPolicy, type SiteName } from '../support/ike-network.ts';

const SITES = ['a', 'b'] as const;
/** Half-open IKE SAs are given up after 30 s, and what both sides delete is gone by then. */
const QUIET_MS = 60_000;

function site(unique: Uniqueness, livenessMs = 0): IkeNetwork {
  return new IkeNetwork((connection) => ({ ...connection, unique, livenessMs }));
}

/** Both first messages are on their way. */
async function begun(net: IkeNetwork): Promise<IkeNetwork> {
  net.a.engine.acquire('to-b', undefined);
  net.b.engine.acquire('to-a', undefined);
  await net.settled();
  return net;
}

function expectOne(net: IkeNetwork, count = 1): void {
  expectAgreement(net);
  for (const name of SITES) {
    expect(net.states(name).length).toBe(count);
    expect(net.site(name).sad.outbound.size).toBe(count);
  }
}

/** A packet that leaves now arrives, by whichever SA is the newest. */
function expectPassage(net: IkeNetwork): void {
  for (const [from, to] of [
    [net.a, net.b],
    [net.b, net.a],
  ] as const) {
    const spi = from.sad.outboundOrder.at(-1);
    if (spi !== undefined) expect([...to.sad.inbound.keys()]).toContain(spi);
  }
}

test('replace: both begin at once, and one pair is left; packets pass all the time', async () => {
  const net = await begun(site('replace'));
  //  IKE_SA_INIT ──►   ◄── IKE_SA_INIT   and so on: every message of one crosses one of the other
  for (let messages = 0; net.flying.length > 0; messages++) {
    expect(messages).toBeLessThan(20);
    await net.deliver(net.take());
    if (messages >= 8) expectPassage(net);
  }
  for (let second = 0; second < QUIET_MS / 1000; second++) {
    await net.live(1000);
    expectPassage(net);
  }
  expectOne(net);
  for (const name of SITES)
    expect(net.site(name).told.filter((line) => line.includes('this one goes')).length).toBe(1);
  for (const { unanswered } of [net.a, net.b]) expect(unanswered.size).toBe(0);
});

test.each(['a', 'b'] as const)(
  'replace: site %s is told of the other IKE SA while it still asks for its own, which it gives up',
  async (late) => {
    const net = await begun(site('replace'));
    // Its IKE_SA_INIT is lost.
    net.takeFrom(late);
    await net.run();
    expectOne(net);
    expect(net.site(late).done).toEqual([{ policy: late === 'a' ? 'to-b' : 'to-a', installed: true }]);
    await net.live(QUIET_MS);
    expectOne(net);
  },
);

test('never: both stay', async () => {
  const net = await begun(site('never'));
  await net.live(QUIET_MS);
  expectOne(net, 2);
});

test('keep: the peer that begins anew without INITIAL_CONTACT is refused, and the first one stays', async () => {
  // Site b sends no INITIAL_CONTACT, and knows nothing of the first IKE SA.
  const net = new IkeNetwork((connection, name) => ({
    ...connection,
    unique: name === 'a' ? 'keep' : 'never',
  }));
  await net.connect();
  const [first] = net.states('a');
  net.restart('b');
  net.b.engine.acquire('to-a', undefined);
  await net.run();
  //  IKE_AUTH ◄──   ──► N(AUTHENTICATION_FAILED)
  expect(net.states('b')).toEqual([]);
  expect(net.states('a').map(({ localSpi }) => localSpi)).toEqual([first?.localSpi]);
  expect(net.b.done).toEqual([{ policy: 'to-a', installed: false }]);
});

test('replace: the peer that begins anew without INITIAL_CONTACT takes the place of what was', async () => {
  const net = new IkeNetwork((connection, name) => ({
    ...connection,
    unique: name === 'a' ? 'replace' : 'never',
  }));
  await net.connect();
  const [first] = net.states('a');
  net.restart('b');
  net.b.engine.acquire('to-a', undefined);
  await net.run();
  // The new Child SA is there before the old one goes.
  expectPassage(net);
  await net.live(400_000);
  expectOne(net);
  expect(net.states('a')[0]?.localSpi).not.toBe(first?.localSpi);
});

test('never: INITIAL_CONTACT is not believed', async () => {
  const net = new IkeNetwork((connection, name) => ({
    ...connection,
    unique: name === 'a' ? 'never' : 'replace',
  }));
  await net.connect();
  net.restart('b');
  net.b.engine.acquire('to-a', undefined);
  await net.run();
  expect(net.states('a').length).toBe(2);
});

test('keep: both begin at once, and one pair is left', async () => {
  const net = await begun(site('keep'));
  await net.live(QUIET_MS);
  expectOne(net);
});

test('replace: the Child SAs that the survivor lacks are made there before the others go', async () => {
  const net = new IkeNetwork(withSecondPolicy);
  net.a.engine.acquire('to-b', undefined);
  net.b.engine.acquire('to-a-too', undefined);
  await net.settled();
  await net.live(QUIET_MS);
  expectAgreement(net);
  for (const name of SITES) {
    expect(net.states(name).length).toBe(1);
    const policies = net.states(name).flatMap(({ children }) => children.map(({ policy }) => policy));
    expect(policies.toSorted()).toEqual([...net.site(name).policies].toSorted());
  }
});

/** After which a request is sent again (RFC 7296 §2.1). */
const RETRANSMITTED_MS = [4000, 7200, 12_960];

describe.each([
  ['a Child SA that is asked for while one of two IKE SAs makes way', 0],
  ['the same, and the request is lost', 1],
  ['the same, and it is answered when the IKE SA was to be gone', 3],
])('%s', (_name, losses) => {
  test.each(SITES.flatMap((name) => Array.from({ length: 9 }, (_, delivered) => [name, delivered] as const)))(
    'by %s, behind %i messages, is there all the time from its first moment',
    async (name, delivered) => {
      const net = await begun(new IkeNetwork(withSecondPolicy));
      for (let count = 0; count < delivered && net.flying.length > 0; count++) await net.deliver(net.take());
      const asked = name === 'a' ? 'to-b-too' : 'to-a-too';
      net.site(name).engine.acquire(asked, undefined);
      await net.settled();
      const lose = (): void => {
        for (const message of net.flying.filter(({ to }) => to !== name))
          net.flying.splice(net.flying.indexOf(message), 1);
      };
      for (let lost = 0; lost < losses; lost++) {
        lose();
        await net.pass(RETRANSMITTED_MS[lost] ?? 0);
      }
      while (net.flying.length > 0) await net.deliver(net.take());
      await net.live(2000);
      const carried = new Set<string>();
      for (let second = 0; second < QUIET_MS / 1000; second++) {
        for (const [from, to] of [
          [net.a, net.b],
          [net.b, net.a],
        ] as const)
          for (const policy of from.policies) {
            const newest = from.sad.outboundOrder.findLast((spi) => from.sad.policies.get(spi) === policy);
            if (newest === undefined) expect([...carried]).not.toContain(policy);
            else expect([...to.sad.inbound.keys()], policy).toContain(newest);
            if (newest !== undefined) carried.add(policy);
          }
        await net.live(1000);
      }
      // Where the peer took the IKE SA away before it heard of the request, the next packet asks again.
      const isUnheard = net.site(name).done.some(({ policy, installed }) => policy === asked && !installed);
      const wanted = SITES.flatMap((site) => net.site(site).policies.slice(0, isUnheard ? 1 : 2));
      expect([...carried].toSorted()).toEqual(wanted.toSorted());
      expectAgreement(net);
      for (const site of SITES) expect(net.states(site).length).toBe(1);
    },
  );
});

type Treatment = 'deliver' | 'lose' | 'repeat' | 'wait';

describe('replace, under every loss', () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7])('message %i of both dialogues is lost', async (lost) => {
    const net = await begun(site('replace', 30_000));
    for (let count = 0; count < 8 && net.flying.length > 0; count++) {
      const message = net.take();
      if (count !== lost) await net.deliver(message);
    }
    await net.live(400_000);
    expectOne(net);
  });

  test('random orders, losses and repetitions: one pair is left, or none after a loss of all', async () => {
    const treatment = fc.record({
      from: fc.constantFrom<SiteName>('a', 'b'),
      kind: fc.constantFrom<Treatment>('deliver', 'deliver', 'deliver', 'lose', 'repeat', 'wait'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(treatment, { maxLength: 24 }), async (treatments) => {
        const net = await begun(site('replace', 30_000));
        for (const { from, kind } of treatments) {
          const message = net.flying.find(({ to }) => to !== from);
          if (kind === 'wait') await net.pass(1500);
          if (message === undefined || kind === 'wait') continue;
          if (kind !== 'repeat') net.flying.splice(net.flying.indexOf(message), 1);
          if (kind !== 'lose') await net.deliver(message);
        }
        await net.live(600_000);
        expectAgreement(net);
        for (const name of SITES) expect(net.states(name).length).toBe(1);
      }),
      { numRuns: Number(process.env['IKE_SCHEDULES'] ?? 60) },
    );
  });
});
