// RFC 4301 §4.4.1.2: SAs of one policy for single values of selector fields, asked for by packets.

import { expect, test } from 'vitest';
import type { Selectors } from '../../src/spd/policy.ts';
import type { TrafficSelector } from '../../src/wire/ike/payload.ts';
import { IkeNetwork, network } from '../support/ike-network.ts';

const TCP = 6;

function packet(text: string, port: number): TrafficSelector {
  return { ...network(text, 32), protocol: TCP, startPort: port, endPort: port };
}

/** @param remote of the policy of site a, where it is wider than what site b allows */
function populating(fields: readonly (keyof Selectors)[], remote?: readonly TrafficSelector[]): IkeNetwork {
  return new IkeNetwork((connection, site) =>
    site === 'a'
      ? {
          ...connection,
          children: connection.children.map((child) => ({
            ...child,
            remote: remote ?? child.remote,
            populateFromPacket: fields,
          })),
        }
      : connection,
  );
}

async function send(net: IkeNetwork, to: string): Promise<void> {
  net.a.engine.acquire('to-b', [packet('10.0.1.5', 40_000), packet(to, 443)]);
  await net.run();
}

const host = (text: string): TrafficSelector => network(text, 32);

test('each remote address gets an SA of its own, and keeps it when that is rekeyed', async () => {
  const net = populating(['remoteAddress']);
  await send(net, '10.0.2.7');
  await send(net, '10.0.2.8');
  const before = net.states('a')[0]?.children ?? [];
  expect(before.map(({ local, remote }) => [local, remote])).toEqual([
    [[network('10.0.1.0')], [host('10.0.2.7')]],
    [[network('10.0.1.0')], [host('10.0.2.8')]],
  ]);
  net.a.engine.rekeyChild(before[0]?.inboundSpi ?? 0);
  await net.run();
  const after = net.states('a')[0]?.children ?? [];
  expect(after.map(({ remote }) => remote)).toEqual([[host('10.0.2.8')], [host('10.0.2.7')]]);
  expect(after.map(({ inboundSpi }) => inboundSpi)).not.toContain(before[0]?.inboundSpi);
});

test('a port brings its protocol with it', async () => {
  const net = populating(['remotePort']);
  await send(net, '10.0.2.7');
  expect(net.states('a')[0]?.children[0]?.remote).toEqual([
    { ...network('10.0.2.0'), protocol: TCP, startPort: 443, endPort: 443 },
  ]);
});

test('each flow is answered for itself: one that the peer refuses does not end the wait of another', async () => {
  const net = populating(['remoteAddress'], [network('10.0.0.0', 16)]);
  const flows = ['10.0.2.7', '10.0.99.1', '10.0.2.8'].map(
    (remote) => [packet('10.0.1.5', 40_000), packet(remote, 443)] as const,
  );
  for (const flow of flows) net.a.engine.acquire('to-b', flow);
  await net.run();
  expect(
    net.a.answers.map(({ trigger, child }) => [flows.findIndex((one) => one === trigger), child?.remote]),
  ).toEqual([
    [0, [host('10.0.2.7')]],
    [1, undefined],
    [2, [host('10.0.2.8')]],
  ]);
});
