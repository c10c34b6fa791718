// IKE messages in fragments, RFC 7383: long requests and answers, with fragments lost, repeated and out of order.

import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/ike/connection.ts';
import { expectAgreement, expectTunnels } from '../support/ike-agreement.ts';
import { IkeNetwork, network, type SiteName } from '../support/ike-network.ts';

const SELECTORS = 90;
const MOST_BYTES = 1200;

/** So many traffic selectors that no message with them passes in one piece. */
function withManySelectors(connection: Connection, site: SiteName): Connection {
  const list = (place: number) =>
    Array.from({ length: SELECTORS }, (_, index) => network(`10.${place}.${index}.0`));
  const [own, theirs] = site === 'a' ? [list(1), list(2)] : [list(2), list(1)];
  return {
    ...connection,
    children: connection.children.map((child) => ({ ...child, local: own, remote: theirs })),
  };
}

/** IKE_AUTH of site a in fragments is on its way. */
async function authenticating(): Promise<IkeNetwork> {
  const net = new IkeNetwork(withManySelectors);
  net.a.engine.acquire('to-b', undefined);
  await net.settled();
  await net.deliver(net.take());
  await net.deliver(net.take());
  expect(net.flying.length).toBeGreaterThan(2);
  return net;
}

function expectWhole(net: IkeNetwork): void {
  expectTunnels(net, 1);
  expectAgreement(net);
  expect(net.childOf('b').local.length).toBe(SELECTORS);
  for (const { bytes } of net.sent) expect(bytes.length).toBeLessThanOrEqual(MOST_BYTES);
}

test('RFC 7383 §2.5: request and answer go in pieces, none too long', async () => {
  const net = await authenticating();
  await net.run();
  expectWhole(net);
  expect(net.sent.filter(({ name }) => name === 'IKE_AUTH response 1').length).toBeGreaterThan(2);
});

test('RFC 7383 §2.6: in the other order', async () => {
  const net = await authenticating();
  net.flying.reverse();
  for (const message of net.flying.splice(0)) await net.deliver(message);
  net.flying.reverse();
  await net.run();
  expectWhole(net);
});

describe.each(['IKE_AUTH request 1', 'IKE_AUTH response 1'])('RFC 7383 §2.6: %s', (name) => {
  async function upTo(): Promise<IkeNetwork> {
    const net = await authenticating();
    while (net.flying[0]?.name !== name) await net.deliver(net.take());
    return net;
  }

  test.each([0, 1, 2])('piece %i is lost: all are sent again', async (lost) => {
    const net = await upTo();
    net.flying.splice(lost, 1);
    await net.live(5000);
    expectWhole(net);
  });

  test.each([0, 1, 2])('piece %i comes twice', async (twice) => {
    const net = await upTo();
    const piece = net.flying[twice];
    if (piece !== undefined) net.flying.push(piece);
    await net.run();
    expectWhole(net);
    expect(net.states('b').length).toBe(1);
  });

  test('a piece that is not authentic does not spoil the others', async () => {
    const net = await upTo();
    const [piece] = net.flying;
    const bytes = Uint8Array.from(piece?.bytes ?? []);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    if (piece !== undefined) await net.deliver({ ...piece, bytes });
    await net.run();
    expectWhole(net);
  });
});

test('RFC 7383 §2.6.1: a repeated request in pieces is answered once, at its first piece', async () => {
  const net = await authenticating();
  const pieces = net.flying.splice(0);
  for (const piece of pieces) await net.deliver(piece);
  const answered = net.flying.splice(0).length;
  for (const piece of pieces) await net.deliver(piece);
  expect(net.flying.length).toBe(answered);
  await net.run();
  expectWhole(net);
});

test('a request and an answer in pieces, mixed with each other, both arrive', async () => {
  const net = await authenticating();
  await net.run();
  for (const site of [net.a, net.b]) site.engine.rekeyChild(net.childOf(site.name).inboundSpi);
  await net.settled();
  for (const message of net.flying.splice(0).slice(0)) await net.deliver(message);
  // Now answers of both are on their way, and the requests come again between their pieces.
  const requests = net.sent.filter(({ name }) => name.startsWith('CREATE_CHILD_SA request'));
  const mixed = net.flying.splice(0).flatMap((answer, index) => {
    const again = requests[index % requests.length];
    return again === undefined ? [answer] : [answer, again];
  });
  for (const message of mixed) await net.deliver(message);
  await net.live(60_000);
  expectWhole(net);
});
