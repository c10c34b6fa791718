// The addresses of a peer change while its tunnels stand: MOBIKE (RFC 4555), and without it RFC 7296 §2.23.

import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../src/base/address.ts';
import { ExchangeType, NotifyType } from '../../src/wire/ike/iana.ts';
import type { Payload } from '../../src/wire/ike/payload.ts';
import { forge } from '../support/forged-request.ts';
import { expectAgreement, expectTunnels } from '../support/ike-agreement.ts';
import { IkeNetwork, type Flying, type SiteName } from '../support/ike-network.ts';

const OLD = '203.0.113.1';
const NEW = '203.0.113.77';

function build(mobike: Readonly<Record<SiteName, boolean>> = { a: true, b: true }): IkeNetwork {
  return new IkeNetwork((connection, name) => ({
    ...connection,
    mobike: mobike[name],
    livenessMs: 60_000,
  }));
}

async function connected(net = build()): Promise<IkeNetwork> {
  await net.connect();
  net.sent.length = 0;
  return net;
}

/** Where site B sends packets of the tunnel. */
function placesOf({ b }: IkeNetwork): readonly string[] {
  return [...b.sad.places.values()];
}

/** Where site B sees site A's IKE SAs. */
function pathsOf(net: IkeNetwork): readonly string[] {
  return net.states('b').map(({ path }) => formatAddress(path.remoteAddress));
}

function names(net: IkeNetwork): readonly string[] {
  return net.sent.map(({ name, fromAddress, to }) => `${to === 'b' ? `${fromAddress} ` : ''}${name}`);
}

function status(notifyType: number, data: Uint8Array = new Uint8Array(0)): Payload {
  return { type: 'N', protocolId: 0, spi: new Uint8Array(0), notifyType, data };
}

test('RFC 4555 §3.5, §3.7: the initiator moves; the new address is proved before packets go there', async () => {
  const net = await connected();
  const [before] = net.states('a');
  net.moveTo('a', NEW);
  await net.settled();
  //  N(UPDATE_SA_ADDRESSES), N(NAT_DETECTION_*) ──►   ◄── N(NAT_DETECTION_*), and   ◄── N(COOKIE2)
  await net.deliver(net.take());
  expect(placesOf(net)).toEqual([OLD]);
  await net.run();
  //  N(COOKIE2) ──►
  expect(placesOf(net)).toEqual([NEW]);
  expect(names(net)).toEqual([
    `${NEW} INFORMATIONAL request 2`,
    'INFORMATIONAL response 2',
    'INFORMATIONAL request 0',
    `${NEW} INFORMATIONAL response 0`,
  ]);
  expectTunnels(net, 1);
  expectAgreement(net);
  // No new handshake.
  expect(net.states('a')[0]?.localSpi).toBe(before?.localSpi);
  net.a.engine.rekeyChild(net.childOf('a').inboundSpi);
  await net.live(10_000);
  expect(placesOf(net)).toEqual([NEW]);
  expectAgreement(net);
});

test.each([0, 1, 2, 3])('message %i of the update is lost, and it is repeated', async (lost) => {
  const net = await connected();
  net.moveTo('a', NEW);
  await net.settled();
  for (let count = 0; net.flying.length > 0; count++) {
    const message = net.take();
    if (count !== lost) await net.deliver(message);
  }
  await net.live(30_000);
  expect(placesOf(net)).toEqual([NEW]);
  expectTunnels(net, 1);
  expectAgreement(net);
});

test('RFC 4555 §3.5: the initiator moves twice, and the second place is the last', async () => {
  const net = await connected();
  net.moveTo('a', '203.0.113.50');
  await net.settled();
  await net.deliver(net.take());
  net.moveTo('a', NEW);
  await net.live(30_000);
  expect(placesOf(net)).toEqual([NEW]);
  expectAgreement(net);
});

test.each(['a', 'b'] as const)('an update while site %s rekeys the IKE SA', async (name) => {
  const net = await connected();
  for (const { localSpi } of net.states(name)) net.site(name).engine.rekeyIke(localSpi);
  await net.settled();
  net.moveTo('a', NEW);
  await net.live(60_000);
  expectTunnels(net, 1);
  expectAgreement(net);
  // RFC 4555 §2: whoever began the first IKE SA still decides.
  net.moveTo('a', '203.0.113.78');
  await net.live(60_000);
  expect(placesOf(net)).toEqual(['203.0.113.78']);
  expectAgreement(net);
});

test('somebody on the way rewrites the source of the update: the move is not lost', async () => {
  const net = await connected();
  net.moveTo('a', NEW);
  await net.settled();
  await net.deliver({ ...net.take(), fromAddress: '192.0.2.66' });
  await net.live(600_000);
  expect(placesOf(net)).toEqual([NEW]);
  expectTunnels(net, 1);
  expectAgreement(net);
});

test('a NAT changes its mapping between the update and the proof: the move is not lost', async () => {
  const net = await connected();
  const newest = '203.0.113.99';
  net.moveTo('a', NEW);
  await net.settled();
  await net.deliver(net.take());
  for (let message = net.take(); message.to === 'a'; message = net.take()) {
    await net.deliver(message);
    if (net.flying.every(({ to }) => to === 'b')) break;
  }
  net.addresses.a = newest;
  for (const message of net.flying.splice(0)) await net.deliver({ ...message, fromAddress: newest });
  await net.live(600_000);
  expect(placesOf(net)).toEqual([newest]);
  expectTunnels(net, 1);
  expectAgreement(net);
});

test('the IKE SA is rekeyed before the new address is proved: its successor goes on with that', async () => {
  const net = await connected();
  net.moveTo('a', NEW);
  await net.settled();
  // Waits behind the update.
  for (const { localSpi } of net.states('a')) net.a.engine.rekeyIke(localSpi);
  await net.live(60_000);
  expect(placesOf(net)).toEqual([NEW]);
  expectTunnels(net, 1);
  expectAgreement(net);
});

describe('an update arrives when its IKE SA is replaced', () => {
  async function replaced(): Promise<{ net: IkeNetwork; update: Flying }> {
    const net = await connected();
    for (const { localSpi } of net.states('b')) net.b.engine.rekeyIke(localSpi);
    await net.settled();
    const rekey = net.take();
    net.moveTo('a', NEW);
    await net.settled();
    const update = net.take();
    // It was sent before the address went.
    await net.deliver({ ...rekey, toAddress: NEW });
    await net.deliver(net.take());
    return { net, update };
  }

  test('the responder asks its successor for the proof', async () => {
    const { net, update } = await replaced();
    net.flying.length = 0;
    await net.deliver(update);
    const asking = net.states('b').filter(({ exchange }) => exchange?.kind === 'check-address');
    expect(asking.map(({ phase, children }) => [phase, children.length])).toEqual([['established', 1]]);
  });

  test('and the initiator says it to the successor once more', async () => {
    const { net } = await replaced();
    await net.live(60_000);
    expect(placesOf(net)).toEqual([NEW]);
    expectTunnels(net, 1);
    expectAgreement(net);
  });
});

describe('an IKE SA makes way for another between the same identities', () => {
  /** Both sides have begun at once; the one of site A stands, and IKE_AUTH of site B is on its way. */
  async function crossed(): Promise<IkeNetwork> {
    for (;;) {
      const net = build();
      net.a.engine.acquire('to-b', undefined);
      net.b.engine.acquire('to-a', undefined);
      await net.settled();
      //  IKE_SA_INIT ──► ◄── ◄── ──►, then IKE_AUTH ──► ◄──
      for (let count = 0; count < 4; count++) await net.deliver(net.take());
      await net.deliver(net.takeFrom('a'));
      const answer = net.flying.findIndex(({ to, name }) => to === 'a' && name.includes('response'));
      for (const message of net.flying.splice(answer, 1)) await net.deliver(message);
      const [ofA = '', ofB = ''] = [true, false].map(
        (isOurs) => net.states('a').find(({ origin }) => origin.isOurs === isOurs)?.origin.initiatorSpi,
      );
      // The one with the lower SPI goes.
      if (ofA < ofB) return net;
    }
  }

  test('an address that waits to be proved is proved all the same', async () => {
    const net = await crossed();
    // The window of site B is taken.
    net.b.engine.rekeyChild(net.childOf('b').inboundSpi);
    await net.settled();
    const [auth, rekey] = net.flying.splice(0);
    if (auth === undefined || rekey === undefined) return expect.unreachable();
    net.moveTo('a', NEW);
    await net.settled();
    //  N(UPDATE_SA_ADDRESSES) ──►   ◄── N(NAT_DETECTION_*)
    for (let count = 0; count < 2; count++) await net.deliver(net.take());
    //  IKE_AUTH of the other IKE SA ◄── ──►, and this one goes
    await net.deliver({ ...auth, toAddress: NEW });
    await net.deliver(net.take());
    expect(net.b.told.some((line) => line.includes('this one goes'))).toBe(true);
    expect(placesOf(net)).toContain(OLD);
    //  its rekey ◄── ──►, then N(COOKIE2) ◄──
    await net.deliver({ ...rekey, toAddress: NEW });
    while (net.flying.some(({ to }) => to === 'b'))
      for (const message of net.flying.splice(0)) await net.deliver(message);
    const asking = net.states('b').filter(({ exchange }) => exchange?.kind === 'check-address');
    expect(asking.map(({ superseded }) => superseded !== undefined)).toEqual([true]);
  });
});

test('RFC 4555 §2: the responder does not say where it is', async () => {
  const net = await connected();
  net.moveTo('b', '198.51.100.9');
  await net.settled();
  expect(net.sent).toEqual([]);
});

test('without MOBIKE on the other side there is no update', async () => {
  const net = await connected(build({ a: true, b: false }));
  net.moveTo('a', NEW);
  await net.settled();
  expect(net.sent).toEqual([]);
});

test('RFC 7296 §2.23: without MOBIKE packets follow where messages of the peer come from', async () => {
  const net = await connected(build({ a: false, b: false }));
  net.addresses.a = NEW;
  net.a.engine.rekeyChild(net.childOf('a').inboundSpi);
  await net.live(10_000);
  expect(new Set(placesOf(net))).toEqual(new Set([NEW]));
  expectAgreement(net);
});

describe('what a peer may ask', () => {
  test('RFC 4555 §3.7: COOKIE2 is copied', async () => {
    const net = await connected();
    const cookie = status(NotifyType.COOKIE2, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    forge(net, 'a', ExchangeType.INFORMATIONAL, [cookie]);
    await net.settled();
    await net.deliver(net.take());
    expect(net.flying.length).toBe(1);
    expect(net.states('b')[0]?.isMobike).toBe(true);
    // Longer than an empty answer by the notify.
    const empty = await connected();
    forge(empty, 'a', ExchangeType.INFORMATIONAL, []);
    await empty.deliver(empty.take());
    const [long, short] = [net.take(), empty.take()];
    expect(long.bytes.length - short.bytes.length).toBe(16);
  });

  test('RFC 4555 §3.9: NO_NATS_ALLOWED with other addresses than they are moves nothing', async () => {
    const net = await connected();
    net.addresses.a = NEW;
    const data = Uint8Array.of(203, 0, 113, 1, 198, 51, 100, 1, 0x11, 0x94, 0x11, 0x94);
    const payloads = [status(NotifyType.UPDATE_SA_ADDRESSES), status(NotifyType.NO_NATS_ALLOWED, data)];
    forge(net, 'a', ExchangeType.INFORMATIONAL, payloads);
    await net.deliver(net.take());
    expect(net.b.told.some((line) => line.includes('wants no NAT'))).toBe(true);
    expect(net.states('b')[0]?.tasks).toEqual([]);
    expect(placesOf(net)).toEqual([OLD]);
  });

  test('RFC 4555 §3.9: and with the addresses as they are it moves', async () => {
    const net = await connected();
    net.addresses.a = NEW;
    const data = Uint8Array.of(203, 0, 113, 77, 198, 51, 100, 1, 0x11, 0x94, 0x11, 0x94);
    const payloads = [status(NotifyType.UPDATE_SA_ADDRESSES), status(NotifyType.NO_NATS_ALLOWED, data)];
    forge(net, 'a', ExchangeType.INFORMATIONAL, payloads);
    await net.run();
    expect(placesOf(net)).toEqual([NEW]);
  });

  test('RFC 4555 §3.7: an update whose address is never proved moves no packet', async () => {
    const net = await connected();
    const victim = '192.0.2.66';
    net.addresses.a = victim;
    forge(net, 'a', ExchangeType.INFORMATIONAL, [status(NotifyType.UPDATE_SA_ADDRESSES)]);
    await net.deliver(net.take());
    // Nobody at that address answers.
    net.addresses.a = OLD;
    await net.live(400_000);
    expect(placesOf(net)).not.toContain(victim);
  });
});

describe('an address that goes while the IKE SA is made', () => {
  /** Site B knows site A by its identity alone. */
  function roaming(): IkeNetwork {
    return new IkeNetwork((connection, name) =>
      name === 'b' ? { ...connection, remoteAddress: undefined } : connection,
    );
  }

  test('before IKE_AUTH is answered: whoever waits hears of it, and may ask again', async () => {
    const net = roaming();
    net.a.engine.acquire('to-b', undefined);
    await net.settled();
    await net.deliver(net.take());
    await net.deliver(net.take());
    //  IKE_AUTH ──►  is lost
    net.flying.length = 0;
    net.moveTo('a', NEW);
    await net.settled();
    expect(net.states('a')).toHaveLength(0);
    await net.connect();
    // Site B keeps the half-open one for a while.
    expect(pathsOf(net)).toContain(NEW);
    expect(net.states('a')).toHaveLength(1);
  });
});
