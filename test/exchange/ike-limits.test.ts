// What a peer may have, and how often it may begin: childless IKE SAs (RFC 6023), NO_ADDITIONAL_SAS (RFC 7296 §1.3), and the
// rate of first messages of one source (§2.6).

import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/ike/connection.ts';
import { SourceRates } from '../../src/ike/source-rates.ts';
import { ExchangeType, NotifyType } from '../../src/wire/ike/iana.ts';
import type { Payload } from '../../src/wire/ike/payload.ts';
import { forgeResponse } from '../support/forged-request.ts';
import { expectAgreement, expectTunnels } from '../support/ike-agreement.ts';
import { chooseProvider } from '../../src/crypto/choose-provider.ts';
import { IkeNetwork, withSecondPolicy } from '../support/ike-network.ts';

const NO_ADDITIONAL_SAS: Payload = {
  type: 'N',
  protocolId: 0,
  spi: new Uint8Array(0),
  notifyType: NotifyType.NO_ADDITIONAL_SAS,
  data: new Uint8Array(0),
};

function build(change: Partial<Connection>): IkeNetwork {
  return new IkeNetwork((connection, site) => ({ ...withSecondPolicy(connection, site), ...change }));
}

describe('RFC 6023', () => {
  test('the first Child SA has an exchange of its own, with forward secrecy', async () => {
    const net = build({ childless: true });
    await net.connect();
    expect(net.sent.map(({ name }) => name)).toEqual([
      'IKE_SA_INIT request 0',
      'IKE_SA_INIT response 0', //      ◄── …, N(CHILDLESS_IKEV2_SUPPORTED)
      'IKE_AUTH request 1', //          SK {IDi, AUTH} ──►
      'IKE_AUTH response 1',
      'CREATE_CHILD_SA request 2', //   SK {SA, Ni, KEi, TSi, TSr} ──►
      'CREATE_CHILD_SA response 2',
    ]);
    expect(net.childOf('a').group).not.toBe(0);
    expect(net.a.done).toEqual([{ policy: 'to-b', installed: true }]);
    expectTunnels(net, 1);
    expectAgreement(net);
  });

  test.each([0, 1, 2, 3, 4, 5])('message %i is lost, and it is repeated', async (lost) => {
    const net = build({ childless: true });
    net.a.engine.acquire('to-b', undefined);
    await net.settled();
    for (let count = 0; net.flying.length > 0; count++) {
      const message = net.take();
      if (count !== lost) await net.deliver(message);
    }
    await net.live(60_000);
    expectTunnels(net, 1);
    expectAgreement(net);
  });
});

describe('RFC 7296 §1.3: NO_ADDITIONAL_SAS', () => {
  test('a peer has as many Child SAs as it may, and those are still rekeyed', async () => {
    const net = build({ mostChildSas: 1 });
    await net.connect();
    net.a.engine.acquire('to-b-too', undefined);
    await net.run();
    //  SK {SA, Ni, KEi, TSi, TSr} ──►   ◄── N(NO_ADDITIONAL_SAS)
    expect(net.a.done.at(-1)).toEqual({ policy: 'to-b-too', installed: false });
    expect(net.a.told.some((line) => line.includes('NO_ADDITIONAL_SAS'))).toBe(true);
    for (let count = 0; count < 2; count++) {
      net.a.engine.rekeyChild(net.childOf('a').inboundSpi);
      await net.live(10_000);
    }
    expectTunnels(net, 1);
    expectAgreement(net);
  });

  test('a peer that rekeys no Child SA gets a new IKE SA', async () => {
    const net = new IkeNetwork((connection) => ({
      ...connection,
      children: connection.children.map((child) => ({ ...child, onClose: 'restart' as const })),
    }));
    await net.connect();
    const [first] = net.states('a');
    net.a.engine.rekeyChild(net.childOf('a').inboundSpi);
    await net.settled();
    net.takeFrom('a');
    forgeResponse(net, 'b', ExchangeType.CREATE_CHILD_SA, [NO_ADDITIONAL_SAS]);
    await net.deliver(net.takeFrom('b'));
    expect(net.states('a').map(({ phase }) => phase)).toEqual(['deleting']);
    // Site b did not see the request, so the next one has an ID that it does not expect: it is as good as dead.
    net.restart('b');
    await net.live(400_000);
    expectTunnels(net, 1);
    expect(net.states('a')[0]?.localSpi).not.toBe(first?.localSpi);
  });

  test('and who waits behind that rekey for another Child SA hears that it does not come', async () => {
    const net = build({});
    await net.connect();
    net.a.engine.rekeyChild(net.childOf('a').inboundSpi);
    await net.settled();
    net.takeFrom('a');
    net.a.engine.acquire('to-b-too', undefined);
    await net.settled();
    forgeResponse(net, 'b', ExchangeType.CREATE_CHILD_SA, [NO_ADDITIONAL_SAS]);
    await net.deliver(net.takeFrom('b'));
    expect(net.a.done.at(-1)).toEqual({ policy: 'to-b-too', installed: false });
  });
});

describe('first messages of one source', () => {
  const rate = { perSecond: 10, burst: 20 };
  const random = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(3);
  const crypto = chooseProvider('auto');
  const taken = (rates: SourceRates, address: Uint8Array, nowMs: number): number => {
    let count = 0;
    for (let i = 0; i < 1000; i++) if (rates.take(address, nowMs)) count++;
    return count;
  };

  test('a burst, and then so many a second; others are not touched', () => {
    const rates = new SourceRates(rate, { random, crypto });
    const [one, other] = [Uint8Array.of(192, 0, 2, 1), Uint8Array.of(192, 0, 2, 2)];
    expect(taken(rates, one, 1000)).toBe(20);
    expect(taken(rates, one, 1500)).toBe(5);
    expect(taken(rates, other, 1500)).toBe(20);
    expect(taken(rates, one, 60_000)).toBe(20);
  });

  test('all addresses of an IPv6 prefix of 64 bits are one source', () => {
    const rates = new SourceRates(rate, { random, crypto });
    const address = (last: number): Uint8Array =>
      Uint8Array.from({ length: 16 }, (_, at) => (at === 15 ? last : 0x20));
    expect(taken(rates, address(1), 1000)).toBe(20);
    expect(taken(rates, address(2), 1000)).toBe(0);
  });

  test('RFC 7296 §2.6: who begins very often has to return a cookie, and is served', async () => {
    const net = new IkeNetwork();
    const asked = (): number => net.a.told.filter((line) => line.includes('asks for its cookie')).length;
    for (let count = 0; count < 110; count++) {
      net.a.engine.acquire('to-b', undefined);
      await net.run();
      net.a.engine.deleteIke('site-b');
      await net.run();
    }
    expect(asked()).toBe(10);
    expect(net.a.done.every(({ installed }) => installed)).toBe(true);
  });
});
