// What two sides agree upon where policies name several ports, or several policies meet what is asked: RFC 7296 §2.9.

import { expect, test } from 'vitest';
import type { ChildPolicy } from '../../src/ike/connection.ts';
import { carries, selectorsOf } from '../../src/ike/traffic-selectors.ts';
import type { TrafficSelector } from '../../src/wire/ike/payload.ts';
import { expectAgreement } from '../support/ike-agreement.ts';
import { IkeNetwork, network } from '../support/ike-network.ts';

const TCP = 6;
const tcp = (selector: TrafficSelector, port?: number): TrafficSelector => ({
  ...selector,
  protocol: TCP,
  ...(port === undefined ? {} : { startPort: port, endPort: port }),
});
const PACKET = [tcp(network('10.0.1.5', 32), 40_000), tcp(network('10.0.2.7', 32), 443)] as const;

test('a Child SA of two ports carries both, and what its SAs have is what was agreed upon', async () => {
  const web = [80, 443].map((port) => tcp(network('10.0.2.0'), port));
  const clients = [tcp(network('10.0.1.0'))];
  const net = new IkeNetwork((connection, site) => ({
    ...connection,
    children: connection.children.map((child) => ({
      ...child,
      local: site === 'a' ? clients : web,
      remote: site === 'a' ? web : clients,
    })),
  }));
  net.a.engine.acquire('to-b', PACKET);
  await net.run();
  net.a.engine.acquire('to-b', PACKET);
  await net.run();
  expect(net.states('a')[0]?.children).toHaveLength(1);
  const { local, remote } = net.childOf('a');
  expect(selectorsOf(local, remote)).toMatchObject({
    protocol: TCP,
    remotePort: [
      { first: 443, last: 443 },
      { first: 80, last: 80 },
    ],
  });
  expectAgreement(net);
});

test('RFC 7296 §2.9: the responder takes the policy that allows what was named first', async () => {
  const net = new IkeNetwork((connection, site) => ({
    ...connection,
    children: connection.children.flatMap((child): readonly ChildPolicy[] =>
      site === 'a'
        ? [{ ...child, remote: [network('10.0.0.0', 8)] }]
        : [
            { ...child, policy: 'first', local: [network('10.9.9.0')] },
            { ...child, policy: 'second', local: [network('10.0.2.0')] },
          ],
    ),
  }));
  for (let time = 0; time < 2; time++) {
    net.a.engine.acquire('to-b', PACKET);
    await net.run();
  }
  expect(net.states('b')[0]?.children.map(({ policy }) => policy)).toEqual(['second']);
  expect(carries(net.childOf('a'), PACKET)).toBe(true);
});

test('a peer whose networks leave the packet out: what asked hears so, and no pile of useless Child SAs grows', async () => {
  const other = network('10.0.3.0');
  const net = new IkeNetwork((connection, site) => ({
    ...connection,
    children: connection.children.map((child) =>
      site === 'a'
        ? { ...child, local: [network('10.0.1.0'), other] }
        : { ...child, remote: [network('10.0.9.0'), other], onClose: 'close' },
    ),
  }));
  for (let time = 0; time < 3; time++) {
    net.a.engine.acquire('to-b', PACKET);
    await net.run();
  }
  // IKE_AUTH has made one, and the two that CREATE_CHILD_SA made are the same again.
  expect(net.states('a')[0]?.children.map(({ phase, isReplaced }) => ({ phase, isReplaced }))).toEqual([
    { phase: 'installed', isReplaced: false },
  ]);
  expect(net.a.answers).toMatchObject([1, 2, 3].map(() => ({ trigger: PACKET, child: { local: [other] } })));
  expect(net.childOf('a').local).toEqual([other]);
  expect(net.a.told.filter((line) => line.includes('does not carry the packet'))).toHaveLength(3);
  // RFC 7296 §2.8: an inbound SA lingers for what is on its way.
  await net.live(20_000);
  expectAgreement(net);
  // The peer, too, has what it had: that a second one went does not close its policy.
  net.b.engine.acquire('to-a', [network('10.0.2.7', 32), network('10.0.3.9', 32)]);
  await net.run();
  expect(net.b.answers).toMatchObject([{ child: { remote: [other] } }]);
});
