// RFC 4555 §3.8: with MOBIKE the source of a message moves nothing; the peer says where it is, and proves it (§3.7). Who
// can rewrite or forge a source address must not lead packets to others. And how a peer learns that a NAT has changed its
// mapping.

import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../src/base/address.ts';
import { ExchangeType, NotifyType } from '../../src/wire/ike/iana.ts';
import type { Payload } from '../../src/wire/ike/payload.ts';
import { forge, forgeResponse } from '../support/forged-request.ts';
import { expectAgreement, expectTunnels } from '../support/ike-agreement.ts';
import { IkeNetwork, withSecondPolicy, type Flying } from '../support/ike-network.ts';

const OLD = '203.0.113.1';
const NEW = '203.0.113.77';
const VICTIM = '192.0.2.66';

async function connected(): Promise<IkeNetwork> {
  const net = new IkeNetwork((connection, site) => ({
    ...withSecondPolicy(connection, site),
    mobike: true,
    livenessMs: 60_000,
  }));
  await net.connect();
  return net;
}

/** Delivers the next message with another source. @returns it */
async function deliverFrom(net: IkeNetwork, fromAddress: string): Promise<Flying> {
  const message = net.take();
  await net.deliver({ ...message, fromAddress });
  return message;
}

/** Where site B sends packets of the tunnels. */
function placesOf({ b }: IkeNetwork): readonly string[] {
  return [...b.sad.places.values()];
}

function pathOf(net: IkeNetwork): string | undefined {
  const [state] = net.states('b');
  return state && formatAddress(state.path.remoteAddress);
}

function status(notifyType: number, data: Uint8Array = new Uint8Array(0)): Payload {
  return { type: 'N', protocolId: 0, spi: new Uint8Array(0), notifyType, data };
}

describe('a message with another source', () => {
  test('RFC 4555 §3.8: the answer goes there, and nothing else', async () => {
    const net = await connected();
    forge(net, 'a', ExchangeType.INFORMATIONAL, []);
    await deliverFrom(net, VICTIM);
    expect(net.take().toAddress).toBe(VICTIM);
    expect(pathOf(net)).toBe(OLD);
    net.b.engine.rekeyChild(net.childOf('b').inboundSpi);
    await net.settled();
    expect(net.take().toAddress).toBe(OLD);
  });

  test('RFC 4555 §3.7: a Child SA that it asks for leads where the peer was proved to be', async () => {
    const net = await connected();
    net.a.engine.acquire('to-b-too', undefined);
    await net.settled();
    const request = await deliverFrom(net, VICTIM);
    expect(request.name).toContain('CREATE_CHILD_SA');
    expect(placesOf(net)).toEqual([OLD, OLD]);
  });

  test('RFC 4555 §3.7: so does one that replaces another', async () => {
    const net = await connected();
    net.a.engine.rekeyChild(net.childOf('a').inboundSpi);
    await net.settled();
    await deliverFrom(net, VICTIM);
    const heir = net.states('b')[0]?.children.find(({ phase }) => phase === 'receiving');
    net.b.engine.firstPacket(heir?.inboundSpi ?? 0);
    await net.settled();
    expect(placesOf(net)).toEqual([OLD, OLD]);
  });

  test('RFC 4555 §3.8: an answer moves nothing either', async () => {
    const net = await connected();
    net.b.engine.rekeyChild(net.childOf('b').inboundSpi);
    await net.settled();
    await net.deliver(net.take());
    await deliverFrom(net, VICTIM);
    expect(pathOf(net)).toBe(OLD);
    expect(placesOf(net)).not.toContain(VICTIM);
  });

  test('RFC 4555 §3.7: where IKE_AUTH comes from elsewhere, that place is proved first', async () => {
    const net = new IkeNetwork((connection, site) =>
      site === 'b' ? { ...connection, remoteAddress: undefined } : connection,
    );
    net.a.engine.acquire('to-b', undefined);
    await net.settled();
    await net.deliver(net.take());
    await net.deliver(net.take());
    net.addresses.a = NEW;
    await deliverFrom(net, NEW);
    expect(placesOf(net)).toEqual([OLD]);
    await net.run();
    expect(placesOf(net)).toEqual([NEW]);
    expectAgreement(net);
  });

  test('RFC 4555 §3.8: the answer to IKE_AUTH does not move the responder', async () => {
    const net = new IkeNetwork();
    net.a.engine.acquire('to-b', undefined);
    await net.settled();
    for (let count = 0; count < 3; count++) await net.deliver(net.take());
    await deliverFrom(net, VICTIM);
    expect([...net.a.sad.places.values()]).toEqual(['198.51.100.1']);
  });
});

describe('an address that is not proved for certain', () => {
  const update = async (net: IkeNetwork, from: string, ahead = 0): Promise<void> => {
    forge(net, 'a', ExchangeType.INFORMATIONAL, [status(NotifyType.UPDATE_SA_ADDRESSES)], ahead);
    await deliverFrom(net, from);
  };

  /** What site B asks of the address of the update. Site A hears of it all the same, as after a repetition elsewhere. */
  function takeQuestion(net: IkeNetwork): Flying {
    const question = net.flying.find(({ name }) => name.includes('request'));
    if (question === undefined) throw new Error('no COOKIE2');
    net.flying.length = 0;
    return { ...question, toAddress: OLD };
  }

  test('RFC 4555 §3.7: the answer to a question that went elsewhere, too, proves nothing', async () => {
    const net = await connected();
    await update(net, VICTIM);
    await net.deliver(takeQuestion(net));
    const answer = net.take();
    await update(net, VICTIM, 1);
    net.flying.length = 0;
    await net.deliver(answer);
    expect(placesOf(net)).toEqual([OLD]);
    expect(net.states('b')[0]?.exchange?.kind).toBe('check-address');
  });

  test('RFC 4555 §3.5: of several updates that wait for a proof the last one is proved, once', async () => {
    const net = await connected();
    await update(net, VICTIM);
    await net.deliver(takeQuestion(net));
    const answer = net.take();
    for (const [ahead, from] of ['203.0.113.78', '203.0.113.79', NEW].entries())
      await update(net, from, ahead + 1);
    net.flying.length = 0;
    net.sent.length = 0;
    await net.deliver(answer);
    expect(placesOf(net)).toEqual([OLD]);
    net.addresses.a = NEW;
    await net.run();
    expect(placesOf(net)).toEqual([NEW]);
    expect(net.sent.filter(({ to, name }) => to === 'a' && name.includes('request')).length).toBe(1);
  });

  test('RFC 4555 §3.7: an answer about where it was moves nothing after the last question was dropped', async () => {
    const net = await connected();
    await update(net, VICTIM);
    await net.deliver(takeQuestion(net));
    const answer = net.take();
    await update(net, NEW, 1);
    net.b.engine.deleteIke(net.b.peer);
    await net.settled();
    await net.deliver(answer);
    expect(placesOf(net)).not.toContain(VICTIM);
  });

  test('RFC 4555 §3.7: another cookie than was sent ends the IKE SA, and no packet has gone there', async () => {
    const net = await connected();
    await update(net, VICTIM);
    net.flying.length = 0;
    forgeResponse(net, 'a', ExchangeType.INFORMATIONAL, [
      status(NotifyType.COOKIE2, new Uint8Array(16).fill(1)),
    ]);
    await net.deliver(net.take());
    expect(placesOf(net)).not.toContain(VICTIM);
    expect(net.b.told.some((line) => line.includes('does not prove that it is at its new address'))).toBe(
      true,
    );
    expect(net.states('b').map(({ phase }) => phase)).toEqual(['deleting']);
  });
});

describe('how a peer is seen', () => {
  const hashes = [NotifyType.NAT_DETECTION_SOURCE_IP, NotifyType.NAT_DETECTION_DESTINATION_IP].map((type) =>
    status(type, new Uint8Array(20)),
  );

  test('RFC 4555 §3.8: an INFORMATIONAL request with NAT_DETECTION_* has them in its answer', async () => {
    const answerTo = async (payloads: readonly Payload[]): Promise<number> => {
      const net = await connected();
      forge(net, 'a', ExchangeType.INFORMATIONAL, payloads);
      await net.deliver(net.take());
      return net.take().bytes.length;
    };
    expect((await answerTo(hashes)) - (await answerTo([]))).toBe(2 * (8 + 20));
  });

  test('RFC 4555 §3.8: a liveness check shows that the mapping has changed, and the peer is told', async () => {
    const net = await connected();
    await net.live(70_000);
    // The NAT shows the same site at another address; the site knows nothing of it.
    net.addresses.a = NEW;
    await net.live(100_000);
    expect(net.a.told.filter((line) => line.includes('a NAT shows us')).length).toBe(1);
    expect(placesOf(net)).toEqual([NEW]);
    expectTunnels(net, 1);
    expectAgreement(net);
  });

  test('RFC 4555 §3.8: as long as it stays there is no update', async () => {
    const net = await connected();
    await net.live(600_000);
    expect(net.b.told.some((line) => line.includes('has moved'))).toBe(false);
  });
});

test('RFC 7296 §2.11: a refused update is answered to where it came from', async () => {
  const net = await connected();
  const data = Uint8Array.of(203, 0, 113, 1, 198, 51, 100, 1, 0x11, 0x94, 0x11, 0x94);
  const payloads = [status(NotifyType.UPDATE_SA_ADDRESSES), status(NotifyType.NO_NATS_ALLOWED, data)];
  forge(net, 'a', ExchangeType.INFORMATIONAL, payloads);
  await deliverFrom(net, NEW);
  expect(net.flying.map(({ toAddress }) => toAddress)).toEqual([NEW]);
  expect(pathOf(net)).toBe(OLD);
});
