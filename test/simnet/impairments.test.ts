// One thing goes wrong, once, between two whole gateways: what an RFC wants of them then, and that packets pass again.

import { afterEach, describe, expect, test } from 'vitest';
import { SaField } from '../../src/sad/sa-state.ts';
import {
  changeNonce,
  corrupt,
  delay,
  drop,
  duplicate,
  Impairment,
  omit,
  repeat,
  zeroSpi,
  type MessageKind,
} from '../support/simnet/impair.ts';
import type { SiteOptions } from '../support/simnet/sim-sites.ts';
import { disagreements } from '../support/simnet/sim-watch.ts';
import { SimWorld, SITES } from '../support/simnet/sim-world.ts';
import { hasArrived, type HostPacket } from '../support/simnet/sim-hosts.ts';
import type { SiteName } from '../support/ike-network.ts';

/** Nothing is replaced by itself, and site b does not begin. */
const CALM: Partial<SiteOptions> = {
  engine: 'portable',
  hasNat: false,
  isOpen: false,
  start: 'on-traffic',
  onClose: 'trap',
  ikeLifetime: { soft: 3600, jitter: 0 },
  childLifetime: { soft: 3600, packets: 100_000, bytes: 100_000_000 },
  livenessSeconds: 3,
};
/** Enough for any exchange, though what crosses to a worker is late now and then. */
const MOMENT_MS = 1000;
/** After the last of four retransmissions that sim-sites.ts asks for. */
const GIVES_UP_MS = 7000;

const HANDSHAKE: readonly MessageKind[] = [
  { from: 'a', exchange: 'IKE_SA_INIT', isResponse: false },
  { from: 'b', exchange: 'IKE_SA_INIT', isResponse: true },
  { from: 'a', exchange: 'IKE_AUTH', isResponse: false },
  { from: 'b', exchange: 'IKE_AUTH', isResponse: true },
];
const [INIT, INIT_ANSWER, AUTH, AUTH_ANSWER] = HANDSHAKE as [
  MessageKind,
  MessageKind,
  MessageKind,
  MessageKind,
];
const REKEY: MessageKind = { from: 'a', exchange: 'CREATE_CHILD_SA', isResponse: false };
const REKEY_ANSWER: MessageKind = { from: 'b', exchange: 'CREATE_CHILD_SA', isResponse: true };

let world: SimWorld | undefined;

afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function build(impairment: Impairment, change: Partial<SiteOptions> = {}): Promise<SimWorld> {
  const built = await SimWorld.build(1, { change: { ...CALM, ...change }, between: impairment });
  world = built;
  impairment.world = built;
  for (const site of SITES) await built.start(site);
  return built;
}

/** A packet of the policy `net`; it is on its way. */
function send(net: SimWorld, site: SiteName): HostPacket {
  const { bytes, packet } = net.hosts.netPacket(site);
  net.gateway(site).push(bytes);
  return packet;
}

/** Packets pass both ways, and both SADs say the same. */
async function expectTunnel(net: SimWorld): Promise<void> {
  const packets = SITES.map((site) => send(net, site));
  await net.pass(MOMENT_MS);
  expect(packets.map(hasArrived)).toEqual([true, true]);
  // Old inbound SAs linger.
  await net.pass(6000);
  expect(disagreements({ a: net.gateway('a'), b: net.gateway('b') }, net.watch)).toEqual([]);
}

function childrenOf(net: SimWorld, site: SiteName): readonly number[] {
  return net
    .gateway(site)
    .engine.states.flatMap(({ children }) => children.map(({ inboundSpi }) => inboundSpi));
}

function phases(net: SimWorld): readonly (readonly string[])[] {
  return SITES.map((site) => net.gateway(site).engine.states.map(({ phase }) => phase));
}

/** The tunnel stands, and nothing was impaired so far. */
async function connect(net: SimWorld): Promise<void> {
  const packet = send(net, 'a');
  await net.pass(MOMENT_MS);
  expect(hasArrived(packet)).toBe(true);
}

function rekey(net: SimWorld): void {
  net.gateway('a').engine.rekeyChild(childrenOf(net, 'a')[0] ?? 0);
}

const nameOf = ({ exchange, isResponse }: MessageKind): string =>
  `${exchange} ${isResponse ? 'response' : 'request'}`;
const named = HANDSHAKE.map((kind) => [nameOf(kind), kind] as const);

describe('drop: RFC 7296 §2.1, the request is sent again, the same bytes, and answered by the same bytes', () => {
  test.each([...named, ...[REKEY, REKEY_ANSWER].map((kind) => [nameOf(kind), kind] as const)])(
    '%s',
    async (_, kind) => {
      const impairment = Impairment.ofMessage(kind, drop);
      const net = await build(impairment);
      const packet = send(net, 'a');
      await net.pass(1500);
      // RFC 4301 §4.4.1: it has waited for its SA.
      expect(hasArrived(packet)).toBe(true);
      if (kind.exchange === 'CREATE_CHILD_SA') rekey(net);
      await net.pass(1500);
      expect(impairment.sent.length).toBe(2);
      expect(impairment.sent[1]).toEqual(impairment.sent[0]);
      expect(childrenOf(net, 'a').length).toBe(1);
      await expectTunnel(net);
    },
  );
});

describe('duplicate: RFC 7296 §2.1, a repeated message makes nothing a second time', () => {
  test.each([...named, ...[REKEY, REKEY_ANSWER].map((kind) => [nameOf(kind), kind] as const)])(
    '%s',
    async (_, kind) => {
      const net = await build(Impairment.ofMessage(kind, duplicate));
      await connect(net);
      if (kind.exchange === 'CREATE_CHILD_SA') rekey(net);
      await net.pass(MOMENT_MS);
      expect(phases(net)).toEqual([['established'], ['established']]);
      expect(SITES.map((site) => childrenOf(net, site).length)).toEqual([1, 1]);
      await expectTunnel(net);
    },
  );
});

describe('corrupt: RFC 7296 §2.21.2, §3.14, what is not authentic is dropped, and the exchange goes on', () => {
  test.each([AUTH, AUTH_ANSWER].map((kind) => [nameOf(kind), kind] as const))('%s', async (_, kind) => {
    const impairment = Impairment.ofMessage(kind, corrupt);
    const net = await build(impairment);
    const packet = send(net, 'a');
    await net.pass(1500);
    expect(impairment.hasHappened).toBe(true);
    expect(hasArrived(packet)).toBe(true);
    await expectTunnel(net);
  });
});

test('delay: RFC 7296 §2.8, while the answer to a rekey is late packets go on under the old SA', async () => {
  const impairment = Impairment.ofMessage(REKEY_ANSWER, delay(400));
  const net = await build(impairment);
  await connect(net);
  const [old] = childrenOf(net, 'a');
  rekey(net);
  const packets: HostPacket[] = [];
  for (let step = 0; step < 20; step++) {
    packets.push(send(net, 'a'), send(net, 'b'));
    await net.pass(50);
  }
  await net.pass(MOMENT_MS);
  expect(impairment.hasHappened).toBe(true);
  expect(packets.filter((packet) => !hasArrived(packet))).toEqual([]);
  expect(childrenOf(net, 'a')).not.toContain(old);
  await expectTunnel(net);
});

describe('omit a payload', () => {
  test('RFC 7296 §2.21.1: IKE_SA_INIT without Nonce makes no IKE SA; the true one does', async () => {
    const net = await build(Impairment.ofMessage(INIT, omit('NONCE')));
    const packet = send(net, 'a');
    await net.pass(200);
    expect(phases(net)).toEqual([['connecting'], []]);
    expect(net.gateway('b').engine.drops.malformed).toBe(1);
    await net.pass(1500);
    expect(hasArrived(packet)).toBe(true);
    await expectTunnel(net);
  });

  test('RFC 7296 §2.21.2: IKE_AUTH without AUTH is INVALID_SYNTAX, and proves nobody', async () => {
    const net = await build(Impairment.ofMessage(AUTH, omit('AUTH')));
    send(net, 'a');
    await net.pass(MOMENT_MS);
    expect(phases(net)).toEqual([[], []]);
    expect(SITES.map((site) => net.gateway(site).planes.sad.inbound.length)).toEqual([1, 1]);
    // The SAs that are keyed by hand are all that there is, and the next packet asks again.
    await net.pass(2000);
    await connect(net);
    await expectTunnel(net);
  });

  test('RFC 7296 §2.21.3: a rekey without Nonce ends the IKE SA on both sides', async () => {
    const net = await build(Impairment.ofMessage(REKEY, omit('NONCE')));
    await connect(net);
    rekey(net);
    await net.pass(MOMENT_MS);
    expect(phases(net)).toEqual([[], []]);
    expect(SITES.map((site) => net.gateway(site).planes.sad.outbound.length)).toEqual([1, 1]);
    await net.pass(2000);
    await connect(net);
    await expectTunnel(net);
  });
});

describe('repeat a payload', () => {
  test('RFC 7296 §2.21.1: IKE_SA_INIT with two KE makes no IKE SA; the true one does', async () => {
    const net = await build(Impairment.ofMessage(INIT, repeat('KE')));
    const packet = send(net, 'a');
    await net.pass(200);
    expect(phases(net)).toEqual([['connecting'], []]);
    await net.pass(1500);
    expect(hasArrived(packet)).toBe(true);
  });

  test('RFC 7296 §2.21.2: IKE_AUTH with two IDi is INVALID_SYNTAX, and proves nobody', async () => {
    const net = await build(Impairment.ofMessage(AUTH, repeat('IDi')));
    send(net, 'a');
    await net.pass(MOMENT_MS);
    expect(phases(net)).toEqual([[], []]);
    await net.pass(2000);
    await connect(net);
    await expectTunnel(net);
  });
});

describe('wrong nonce', () => {
  test.each([
    [nameOf(INIT), INIT],
    [nameOf(INIT_ANSWER), INIT_ANSWER],
  ])('RFC 7296 §2.14, §2.15: in the %s no IKE SA comes of it, and the next one does', async (_, kind) => {
    const net = await build(Impairment.ofMessage(kind, changeNonce));
    send(net, 'a');
    await net.pass(GIVES_UP_MS);
    expect(net.gateway('a').engine.storyCounts.get('established')).toBeUndefined();
    expect(net.gateway('b').engine.storyCounts.get('established')).toBeUndefined();
    await net.pass(2000);
    await connect(net);
    // The half-open one is forgotten in its time.
    await net.pass(60_000);
    await expectTunnel(net);
  });

  test('RFC 7296 §2.17: in the answer to a rekey the keys differ: nothing gets through, nothing gets out, and the next rekey mends it', async () => {
    const net = await build(Impairment.ofMessage(REKEY_ANSWER, changeNonce));
    await connect(net);
    rekey(net);
    await net.pass(MOMENT_MS);
    const packet = send(net, 'a');
    await net.pass(MOMENT_MS);
    expect(hasArrived(packet)).toBe(false);
    expect(net.gateway('b').drops).toMatchObject({ 'inbound-icv-mismatch': 1 });
    rekey(net);
    await net.pass(MOMENT_MS);
    await expectTunnel(net);
  });
});

test('SPI 0: RFC 4303 §2.1, no SA has it: an answer that names it is refused, and no packet leaves under it', async () => {
  const net = await build(Impairment.ofMessage(REKEY_ANSWER, zeroSpi));
  await connect(net);
  rekey(net);
  await net.pass(MOMENT_MS);
  expect(net.gateway('a').planes.sad.outbound.map(({ spi }) => spi)).not.toContain(0);
  const packet = send(net, 'a');
  await net.pass(MOMENT_MS);
  expect(hasArrived(packet)).toBe(true);
  await net.pass(MOMENT_MS);
  await expectTunnel(net);
});

test('early hard expiry: RFC 4301 §4.4.2.1, an SA that ends carries nothing, the peer is told, and the next packet has another', async () => {
  const net = await build(
    Impairment.ofCommand((site, command) => {
      const isMeant = site === 'b' && command.type === 'install-inbound' && command.sa.policy === 'net';
      if (isMeant) command.sa.state[SaField.hardAtMs] = (world?.time.nowMs ?? 0) + 3000;
      return isMeant;
    }),
  );
  await connect(net);
  const before = SITES.map((site) => childrenOf(net, site));
  await net.pass(2500);
  // RFC 7296 §1.4.1: the other direction and the other side end with it.
  expect(SITES.map((site) => childrenOf(net, site))).toEqual([[], []]);
  expect(SITES.map((site) => net.gateway(site).planes.sad.outbound.length)).toEqual([1, 1]);
  await connect(net);
  for (const [at, site] of SITES.entries()) expect(childrenOf(net, site)).not.toEqual(before[at]);
  await expectTunnel(net);
});

describe.each([
  ['a', 'install-inbound'],
  ['a', 'install-outbound'],
  ['b', 'install-inbound'],
  ['b', 'install-outbound'],
] as const)('failed install: site %s, %s', (failing, type) => {
  test('RFC 4301 §4.4.2: no side goes on with half a pair of SAs, and the next attempt has a whole one', async () => {
    const impairment = Impairment.ofCommand((site, command) => {
      if (site === failing && command.type === type && command.sa.policy === 'net')
        throw new Error('out of memory');
      return false;
    });
    const net = await build(impairment);
    send(net, 'a');
    await net.pass(GIVES_UP_MS + 5000);
    expect(impairment.hasHappened).toBe(true);
    await connect(net);
    await expectTunnel(net);
  });
});

test('asymmetric cut: RFC 7296 §2.4, a peer that is heard and does not answer is dead; when it hears again there is a tunnel', async () => {
  const net = await build(Impairment.ofCommand(() => true));
  await connect(net);
  net.network.faults.a.isCut = true;
  const end = net.time.nowMs + 3000 + GIVES_UP_MS;
  while (net.time.nowMs < end) {
    send(net, 'b');
    await net.pass(500);
  }
  // Site b hears nothing, and asks in vain.
  expect(net.gateway('b').engine.states.filter(({ phase }) => phase === 'established')).toEqual([]);
  net.network.faults.a.isCut = false;
  await net.pass(GIVES_UP_MS + 4000);
  await connect(net);
  await expectTunnel(net);
});
