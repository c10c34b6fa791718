// What is told of SAs while two engines work in memory: every SA that is there was told of, every one that is gone too,
// and a rekey is no end and no beginning.

import { describe, expect, test } from 'vitest';
import { IkeObserver } from '../../../src/gateway/ike-observer.ts';
import { IkeSaViews } from '../../../src/gateway/ike-sa-views.ts';
import type { SaEvent } from '../../../src/management/vici/vici-gateway.ts';
import type { SaView } from '../../../src/sad/sa-view.ts';
import { IkeNetwork, other, type Site, type SiteName } from '../../support/ike-network.ts';

interface Watched {
  readonly site: Site;
  readonly observer: IkeObserver;
  readonly events: SaEvent[];
  readonly errors: unknown[];
}

/** No SAD behind it: nothing is counted. */
const EMPTY_SAD = {
  has: () => false,
  get: (): SaView => {
    throw new TypeError('there is none');
  },
};

function watch(net: IkeNetwork, name: SiteName): Watched {
  const site = net.site(name);
  const errors: unknown[] = [];
  const observer = new IkeObserver({
    log: { error: (details: unknown) => void errors.push(details) } as never,
    views: new IkeSaViews(EMPTY_SAD, () => net.nowMs),
    hasChild: (spi) => site.engine.hasChild(spi),
  });
  const events: SaEvent[] = [];
  observer.onEvent((event) => events.push(event));
  site.watchers.push((before, after) => {
    observer.changed(before, after);
  });
  return { site, observer, events, errors };
}

/** `child-updown up 1`, with the numbers that people see. */
function lines(events: readonly SaEvent[]): readonly string[] {
  return events.map((event) => {
    const way = 'isUp' in event ? (event.isUp ? ' up' : ' down') : '';
    const old = 'old' in event ? ` ${event.old.uniqueId} to` : '';
    const number = 'child' in event ? event.child.uniqueId : event.ikeSa.uniqueId;
    return `${event.type}${way}${old} ${number}`;
  });
}

/** The numbers of the SAs that are there, by what was told. */
function told(events: readonly SaEvent[]): { readonly ike: Set<number>; readonly child: Set<number> } {
  const [ike, child] = [new Set<number>(), new Set<number>()];
  for (const event of events) {
    const set = 'child' in event ? child : ike;
    const { uniqueId } = 'child' in event ? event.child : event.ikeSa;
    if ('old' in event) set.delete(event.old.uniqueId);
    if ('isUp' in event && !event.isUp) set.delete(uniqueId);
    else set.add(uniqueId);
  }
  return { ike, child };
}

describe.each(['a', 'b'] as const)('site %s', (name) => {
  test('is told of the IKE SA and its Child SA, in this order, and of their ends in the other', async () => {
    const net = new IkeNetwork();
    const { events, site, errors } = watch(net, name);
    await net.connect();
    expect(lines(events)).toEqual(['ike-updown up 1', 'child-updown up 1']);
    expect(events[1]).toMatchObject({
      ikeSa: {
        name: site.peer,
        state: 'ESTABLISHED',
        isInitiator: site.engine.states[0]?.role === 'initiator',
      },
      child: { name: site.policies[0], state: 'INSTALLED', inboundSpi: net.childOf(name).inboundSpi },
    });
    events.length = 0;
    site.engine.deleteIke(site.peer);
    await net.run();
    expect(lines(events)).toEqual(['child-updown down 1', 'ike-updown down 1']);
    expect(errors).toEqual([]);
  });

  test.each([name, other(name)])('is told of rekeys that site %s begins, and of no end', async (beginner) => {
    const net = new IkeNetwork();
    const { events, observer, site } = watch(net, name);
    await net.connect();
    events.length = 0;
    const { engine } = net.site(beginner);
    engine.rekeyChild(net.childOf(beginner).inboundSpi);
    await net.run();
    await net.live(10_000);
    expect(lines(events)).toEqual(['child-rekey 1 to 2']);
    const [state] = engine.states;
    if (state !== undefined) engine.rekeyIke(state.localSpi);
    await net.run();
    await net.live(10_000);
    expect(lines(events)).toEqual(['child-rekey 1 to 2', 'ike-rekey 1 to 2']);
    const drops = site.engine.drops;
    expect(observer.counters.read(drops)).toSatisfy(
      (counters: ReadonlyMap<string, number>) =>
        counters.get('child-rekey') === 1 &&
        counters.get(beginner === name ? 'ike-rekey-init' : 'ike-rekey-resp') === 1,
    );
    events.length = 0;
    site.engine.deleteIke(site.peer);
    await net.run();
    expect(lines(events)).toEqual(['child-updown down 2', 'ike-updown down 2']);
  });

  test('is told of one Child SA that ends by itself', async () => {
    const net = new IkeNetwork();
    const { events, site } = watch(net, name);
    await net.connect();
    events.length = 0;
    site.engine.deleteChild(net.childOf(name).inboundSpi);
    await net.run();
    expect(lines(events)).toEqual(['child-updown down 1']);
    site.engine.acquire(site.policies[0] ?? '', undefined);
    await net.run();
    expect(lines(events)).toEqual(['child-updown down 1', 'child-updown up 2']);
  });

  test('what was told is what there is, when both sides rekey everything at once, with losses', async () => {
    for (let round = 0; round < 12; round++) {
      const net = new IkeNetwork();
      const { events, site, errors } = watch(net, name);
      await net.connect();
      for (const one of [net.a, net.b]) {
        one.engine.rekeyChild(net.childOf(one.name).inboundSpi);
        const [state] = one.engine.states;
        if (state !== undefined) one.engine.rekeyIke(state.localSpi);
      }
      await net.settled();
      // Another one is lost each round, and sent again.
      for (let count = 0; net.flying.length > 0; count++)
        if (count === round) net.take();
        else await net.deliver(net.take());
      // One that makes way stands as long as the peer may repeat what it asks.
      await net.live(600_000);
      const established = site.engine.states.filter(({ phase }) => phase === 'established');
      expect(told(events).ike.size, lines(events).join(', ')).toBe(established.length);
      expect(told(events).child.size, lines(events).join(', ')).toBe(
        established.flatMap(({ children }) => children).length,
      );
      expect(errors).toEqual([]);
      site.engine.deleteIke(site.peer);
      await net.live(600_000);
      expect(told(events)).toEqual({ ike: new Set(), child: new Set() });
    }
  });

  test('a listener that fails does no harm to IKE', async () => {
    const net = new IkeNetwork();
    const { observer, errors } = watch(net, name);
    observer.onEvent(() => {
      throw new TypeError('a defect');
    });
    await net.connect();
    expect(errors.length).toBeGreaterThan(0);
    expect(net.states(name).map(({ phase }) => phase)).toEqual(['established']);
    expect(net.states(name)[0]?.children).toHaveLength(1);
  });
});

test('who waits for a Child SA hears of it; what a packet asked for in vain is not what was waited for', async () => {
  const { observer } = watch(new IkeNetwork(), 'a');
  const answers: (readonly [string, boolean])[] = [];
  const wait = (policy: string): Promise<unknown> =>
    observer.nextChild(policy).then((isMade) => answers.push([policy, isMade]));
  const waiting = [wait('one'), wait('one'), wait('two')];
  const trigger = [{}, {}] as never;
  observer.childDone({ policy: 'one', trigger, child: undefined });
  observer.childDone({ policy: 'three', trigger: undefined, child: undefined });
  observer.childDone({ policy: 'two', trigger: undefined, child: undefined });
  observer.childDone({ policy: 'one', trigger, child: { local: [], remote: [] } });
  observer.childDone({ policy: 'one', trigger: undefined, child: undefined });
  await Promise.all(waiting);
  expect(answers.toSorted()).toEqual([
    ['one', true],
    ['one', true],
    ['two', false],
  ]);
});

test('an IKE SA whose peer has moved is told of as it was, with where it is from now on', async () => {
  const net = new IkeNetwork((connection) => ({ ...connection, mobike: true }));
  const { events, errors } = watch(net, 'b');
  await net.connect();
  const [before] = events;
  events.length = 0;
  net.moveTo('a', '203.0.113.99');
  await net.settled();
  await net.run();
  expect(lines(events)).toContain('ike-update 1');
  const update = events.find(({ type }) => type === 'ike-update');
  expect(update).toMatchObject({
    ikeSa: { remote: { host: before?.ikeSa.remote.host } },
    local: { host: before?.ikeSa.local.host },
    remote: { host: '203.0.113.99' },
  });
  expect(errors).toEqual([]);
});
