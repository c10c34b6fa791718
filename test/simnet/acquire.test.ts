// Packets that wait for an SA which IKE makes, with both engines (RFC 4301 §4.4.1, §4.4.1.2, RFC 2367 §3.1.6).

import { describe, expect, test } from 'vitest';
import type { Acquire, AcquireDone } from '../../src/dataplane/ike-events.ts';
import type { SaSpecification, Selectors } from '../../src/spd/policy.ts';
import { decapsulate } from '../support/esp-peer.ts';
import {
  createSite,
  IKE_SOCKETS,
  installPair,
  receive,
  testKey,
  TEST_LIMITS,
  transformNamed,
  usePolicies,
  type PairOptions,
  type TestSite,
} from '../support/packet-path-link.ts';
import { encapsulate } from '../support/esp-peer.ts';
import { bytesOf, echoRequest, icmpError, ipPacket, tcpPacket, udpPacket } from '../support/packets.ts';
import { ANY, policy, prefix, SA_SPECIFICATION } from '../support/policies.ts';

const IP = { source: '10.0.1.5', destination: '10.0.2.7' };
const BY_IKE: SaSpecification = { ...SA_SPECIFICATION, keying: 'ike' };
const PER_FLOW: SaSpecification = {
  ...BY_IKE,
  populateFromPacket: ['localAddress', 'remoteAddress', 'protocol', 'localPort', 'remotePort'],
};
const udp = (sourcePort: number, data = new Uint8Array(8), ip = IP): Uint8Array =>
  udpPacket(ip, { sourcePort, data });
/** A packet from port 1 in two fragments. */
function cutPacket(): readonly [first: Uint8Array, later: Uint8Array] {
  const head = { ...IP, protocol: 17, identification: 7 };
  const payload = udp(1, new Uint8Array(24)).subarray(20, 44);
  return [
    ipPacket({ ...head, fragment: 0x2000, payload }),
    ipPacket({ ...head, fragment: 3, payload: new Uint8Array(8) }),
  ];
}

const to = (remote: string): Selectors => ({ ...ANY, remoteAddress: [prefix(remote)] });

describe.each(['native', 'portable'] as const)('%s', (engine) => {
  function create(sa: SaSpecification = BY_IKE): TestSite {
    const site = createSite(engine, TEST_LIMITS, IKE_SOCKETS);
    usePolicies(site, [policy('tunnel', { sa })]);
    // The first turn reads the clock.
    site.path.turn();
    return site;
  }
  function push(site: TestSite, ...packets: readonly Uint8Array[]): void {
    for (const bytes of packets) site.devices.pushFrame({ bytes });
    while (site.devices.hasInput) site.path.turn();
  }
  /** Turns until nothing waits to be judged. @returns the inner packets that left under the SA */
  function sent(site: TestSite, pair: PairOptions = {}): Uint8Array[] {
    for (let turn = 0; turn < 4; turn++) site.path.turn();
    const transform = transformNamed(pair.transform ?? 'aes256gcm16');
    const keyMaterial = testKey(transform, pair.outboundSeed ?? 1);
    const key = { keyMaterial, spi: pair.outboundSpi ?? 0x1001 };
    return site.datagrams.splice(0).map(({ bytes }) => decapsulate(key, bytes).inner);
  }
  const asked = (site: TestSite): Acquire[] =>
    site.events.splice(0).filter((event): event is Acquire => event.type === 'acquire');
  function answer(site: TestSite, id: number, outcome: AcquireDone['outcome'], retryAfterMs = 0): void {
    site.path.execute({ type: 'acquire-done', id, outcome, retryAfterMs });
  }

  test('RFC 7296 §2.9: a flow that the peer leaves out asks no more for a while, and others of its policy do', () => {
    const site = create();
    const leftOut = (): Uint8Array => udp(1, new Uint8Array(8), { ...IP, destination: '10.0.2.99' });
    push(site, leftOut());
    const [first] = asked(site);
    answer(site, first?.id ?? 0, 'left-out', 1000);
    expect(site.drops()).toMatchObject({ 'outbound-acquire-failed': 1 });
    // As long as nobody of the policy asks.
    push(site, udp(2));
    expect(asked(site)).toEqual([]);
    site.clock.nowMs += 1000;
    push(site, leftOut());
    expect(asked(site)).toEqual([]);
    push(site, udp(2));
    const [second] = asked(site);
    expect(second?.packet).toMatchObject({ remoteAddress: bytesOf(IP.destination) });
    answer(site, second?.id ?? 0, 'installed');
    site.clock.nowMs += 14_000;
    push(site, leftOut());
    expect(asked(site)).toHaveLength(1);
  });

  test('RFC 4301 §4.4.1: the first packet asks, once; what waits leaves in its order, before what comes later', () => {
    const site = create();
    const packets = [1, 2, 3].map((port) => udp(port, new Uint8Array(port * 700)));
    push(site, ...packets);
    push(site, udp(4));
    expect(asked(site)).toEqual([
      {
        type: 'acquire',
        id: expect.any(Number) as number,
        policy: 'tunnel',
        packet: {
          localAddress: bytesOf(IP.source),
          remoteAddress: bytesOf(IP.destination),
          ...{ protocol: 17, localPort: 1, remotePort: 53, icmp: undefined },
        },
      },
    ]);
    expect(site.datagrams).toEqual([]);
    installPair(site);
    // The TUN brings another before the worker looks.
    site.devices.pushFrame({ bytes: udp(5) });
    expect(sent(site)).toEqual([...packets, udp(4), udp(5)]);
    answer(site, 1, 'installed');
    expect(sent(site)).toEqual([]);
    expect(asked(site)).toEqual([]);
    expect(site.drops()).toEqual({});
  });

  test('RFC 7296 §2.9: the selectors of the packet, for ICMP, IPv6 and protocols without ports', () => {
    const ip = { source: 'fd00:1::5', destination: 'fd00:2::7' };
    const packets = [echoRequest(ip), ipPacket({ ...IP, protocol: 47, payload: new Uint8Array(20) })];
    const found = packets.map((packet) => {
      const site = create();
      push(site, packet);
      return asked(site)[0]?.packet;
    });
    const none = { localPort: undefined, remotePort: undefined, icmp: undefined };
    expect(found).toEqual([
      { localAddress: bytesOf(ip.source), remoteAddress: bytesOf(ip.destination), protocol: 58, ...none, icmp: 128 << 8 },
      { localAddress: bytesOf(IP.source), remoteAddress: bytesOf(IP.destination), protocol: 47, ...none },
    ]); // prettier-ignore
  });

  test('RFC 4301 §6.2: an ICMP error asks for what carries the packet that it reports', () => {
    const site = create();
    const enclosed = tcpPacket({ source: '10.0.2.9', destination: '10.0.1.5' }, { sourcePort: 80, destinationPort: 40_000 });
    push(site, icmpError({ source: '10.0.1.1', destination: '10.0.2.9' }, { enclosed }));
    expect(asked(site)[0]?.packet).toMatchObject({
      localAddress: bytesOf('10.0.1.5'),
      remoteAddress: bytesOf('10.0.2.9'),
      ...{ protocol: 6, localPort: 40_000, remotePort: 80 },
    });
    installPair(site);
    expect(sent(site).length).toBe(1);
  }); // prettier-ignore

  test('a super-packet waits whole, with all that its header says', () => {
    const frame = {
      bytes: tcpPacket(IP, { data: Uint8Array.from({ length: 40_000 }, (_, i) => i) }),
      ...{ flags: 1, gsoType: 1, segmentSize: 1300, headerLength: 40, checksumStart: 20, checksumOffset: 16 },
    };
    const direct = create();
    installPair(direct);
    direct.devices.pushFrame(frame);
    const expected = sent(direct);
    expect(expected.length).toBe(31);
    const site = create();
    site.devices.pushFrame(frame);
    expect(sent(site)).toEqual([]);
    // Whatever is written over the frame's own memory meanwhile.
    push(site, ...Array.from({ length: 10 }, () => ipPacket({ ...IP, payload: new Uint8Array(5000).fill(0xee) })));
    installPair(site);
    expect(sent(site).slice(0, 31)).toEqual(expected);
  }); // prettier-ignore

  test('IKE that fails: what waits is dropped, and nobody is asked before the time it said', () => {
    const site = create();
    push(site, udp(1), udp(2));
    const [first] = asked(site);
    answer(site, first!.id, 'failed', 5000);
    push(site, udp(3));
    expect(asked(site)).toEqual([]);
    expect(site.drops()).toEqual({ 'outbound-acquire-failed': 3 });
    site.clock.nowMs += 4999;
    push(site, udp(4));
    expect(asked(site)).toEqual([]);
    site.clock.nowMs += 1;
    push(site, udp(5));
    const [second] = asked(site);
    expect(second?.id).not.toBe(first?.id);
    // An answer to what was answered before says nothing.
    answer(site, first!.id, 'failed');
    installPair(site);
    expect(sent(site)).toEqual([udp(5)]);
    expect(site.drops()).toEqual({ 'outbound-acquire-failed': 4 });
  });

  test('an answer that never comes is waited for 3 minutes, and packets for 30 seconds', () => {
    const site = create();
    push(site, udp(1));
    site.clock.nowMs += 10_000;
    push(site, udp(2));
    site.clock.nowMs += 19_999;
    site.path.turn();
    expect(site.drops()).toEqual({});
    const dueMs = site.path.tick(Float64Array.of(site.clock.nowMs));
    expect(dueMs).toBe(site.clock.nowMs + 1);
    site.clock.nowMs += 1;
    site.path.turn();
    expect(site.drops()).toEqual({ 'outbound-hold-expired': 1 });
    site.clock.nowMs += 10_000;
    site.path.turn();
    expect(site.drops()).toEqual({ 'outbound-hold-expired': 2 });
    expect(asked(site).length).toBe(1);
    push(site, udp(3));
    expect(asked(site)).toEqual([]);
    site.clock.nowMs += 140_000;
    push(site, udp(4));
    expect(asked(site).length).toBe(1);
  });

  test('RFC 4301 §4.4.1.2 PFP: each flow asks for itself, and gets its own SA', () => {
    const site = create(PER_FLOW);
    push(site, udp(1), udp(2), udp(1));
    const flows = asked(site);
    expect(flows.map(({ packet }) => packet.localPort)).toEqual([1, 2]);
    const pairFor = (port: number): PairOptions => ({
      selectors: { ...ANY, protocol: 17, localPort: [{ first: port, last: port }] },
      outboundSpi: 0x1000 + port,
      inboundSpi: 0x2000 + port,
      outboundSeed: port,
    });
    installPair(site, pairFor(2));
    expect(sent(site, pairFor(2))).toEqual([udp(2)]);
    answer(site, flows[1]!.id, 'installed');
    expect(sent(site)).toEqual([]);
    answer(site, flows[0]!.id, 'failed');
    expect(sent(site)).toEqual([]);
    expect(site.drops()).toEqual({ 'outbound-acquire-failed': 2 });
    push(site, udp(1), udp(2));
    expect(asked(site).map(({ packet }) => packet.localPort)).toEqual([1]);
    expect(sent(site, pairFor(2))).toEqual([udp(2)]);
    installPair(site, pairFor(1));
    expect(sent(site, pairFor(1))).toEqual([udp(1)]);
  });

  test('RFC 4301 §4.4.1.2 PFP: the flows that ask at a time are bounded', () => {
    const site = create(PER_FLOW);
    for (let port = 1; port <= 200; port++) push(site, udp(port));
    const flows = asked(site);
    expect(flows.length).toBe(64);
    expect(site.drops()).toEqual({ 'outbound-hold-full': 200 - 64 });
    answer(site, flows[0]!.id, 'failed');
    push(site, udp(300));
    expect(asked(site).length).toBe(1);
  });

  test('RFC 4301 §7: where the policy names a port, a later fragment waits with its first', () => {
    const site = create();
    const selectors = { ...ANY, protocol: 17, localPort: [{ first: 1, last: 1 }] };
    usePolicies(site, [policy('tunnel', { sa: BY_IKE, selectors })]);
    const [first, later] = cutPacket();
    push(site, first, later);
    expect(asked(site).length).toBe(1);
    installPair(site, { selectors });
    expect(sent(site)).toEqual([first, later]);
    expect(site.drops()).toEqual({});
  });

  test('RFC 4301 §7 PFP: a later fragment waits with its first, and asks for nothing', () => {
    const site = create(PER_FLOW);
    const [first, later] = cutPacket();
    push(site, later);
    expect(site.drops()).toEqual({ 'outbound-fragment-ports': 1 });
    push(site, first, later);
    expect(asked(site).length).toBe(1);
    installPair(site, { selectors: { ...ANY, protocol: 17, localPort: [{ first: 1, last: 1 }] } });
    expect(sent(site)).toEqual([first, later]);
  });

  test('a flow outside the selectors of every SA asks for another; the others go on', () => {
    const site = create();
    installPair(site, { selectors: to('10.0.2.0/25') });
    const inside = udp(1, undefined, { ...IP, destination: '10.0.2.1' });
    const outside = udp(1, undefined, { ...IP, destination: '10.0.2.200' });
    push(site, inside, outside, inside);
    expect(sent(site)).toEqual([inside, inside]);
    const [acquire] = asked(site);
    expect(acquire?.packet.remoteAddress).toEqual(bytesOf('10.0.2.200'));
    // Narrower than was hoped for: what still has no SA asks again, and waits on.
    const other = {
      selectors: to('10.0.2.128/26'),
      outboundSpi: 0x1009,
      inboundSpi: 0x2009,
      outboundSeed: 9,
    };
    installPair(site, other);
    answer(site, acquire!.id, 'installed');
    expect(sent(site, other)).toEqual([]);
    expect(asked(site).length).toBe(1);
    const whole = {
      selectors: to('10.0.2.192/26'),
      outboundSpi: 0x100a,
      inboundSpi: 0x200a,
      outboundSeed: 10,
    };
    installPair(site, whole);
    expect(sent(site, whole)).toEqual([outside]);
    expect(site.drops()).toEqual({});
  });

  test('one policy never takes all the room; what waits is not thrown out for others', () => {
    const site = createSite(engine, TEST_LIMITS, IKE_SOCKETS);
    const nets = [2, 3, 4];
    usePolicies(site, nets.map((net) => policy(`to ${net}`, { selectors: to(`10.0.${net}.0/24`), sa: BY_IKE })));
    const flood = (net: number): Uint8Array[] =>
      Array.from({ length: 300 }, (_, i) => udp(i + 1, undefined, { ...IP, destination: `10.0.${net}.1` }));
    for (const net of nets) push(site, ...flood(net));
    expect(asked(site).length).toBe(3);
    const waiting = nets.map((net, place) => {
      const pair = { policy: `to ${net}`, outboundSpi: 0x1000 + net, inboundSpi: 0x2000 + net, outboundSeed: net };
      installPair(site, pair);
      const packets = sent(site, pair);
      expect(packets).toEqual(flood(net).slice(0, packets.length));
      return packets.length / 2 ** (7 - place);
    });
    expect(waiting).toEqual([1, 1, 1]);
    expect(site.drops()).toEqual({ 'outbound-hold-full': 900 - 128 - 64 - 32 });
  }); // prettier-ignore

  test('room is given back, whatever the lengths and the order', () => {
    const site = create();
    for (let round = 0; round < 12; round++) {
      const lengths = [1, 1004, 1005, 3000, 9000, 60_000].map((length, i) => length - (round + i) % 7);
      const packets = lengths.map((length, i) => udp(i + 1, new Uint8Array(Math.max(0, length)).fill(round)));
      push(site, ...packets);
      const [acquire] = asked(site);
      if (round % 3 === 0) answer(site, acquire!.id, 'failed');
      else if (round % 3 === 1) {
        site.clock.nowMs += 30_000;
        site.path.turn();
        answer(site, acquire!.id, 'failed');
      } else {
        const { outbound } = installPair(site, { outboundSpi: 0x3000 + round, inboundSpi: 0x5000 + round });
        answer(site, acquire!.id, 'installed');
        expect(sent(site, { outboundSpi: 0x3000 + round }), `round ${round}`).toEqual(packets);
        void site.sad.delete({ direction: 'outbound', peer: 'far', spi: outbound.spi });
      }
    }
    expect(site.drops()).toEqual({ 'outbound-acquire-failed': 4 * 6, 'outbound-hold-expired': 4 * 6 });
  }); // prettier-ignore

  test.each([
    ['DISCARD', 'outbound-discard', 0],
    ['BYPASS', undefined, 2],
  ] as const)('what waits is judged by the policies that are there when it goes on: %s', (action, drop, inClear) => {
    const site = create();
    push(site, udp(1), udp(2));
    const [acquire] = asked(site);
    usePolicies(site, [policy('tunnel', { action })], 3);
    expect(sent(site)).toEqual([]);
    expect(site.clearFrames.length).toBe(inClear);
    expect(site.drops()).toEqual(drop === undefined ? {} : { [drop]: 2 });
    answer(site, acquire!.id, 'failed');
    usePolicies(site, [policy('tunnel', { sa: BY_IKE })], 4);
    push(site, udp(1));
    expect(asked(site).length).toBe(1);
  }); // prettier-ignore

  test('under new policies that ask for the same, IKE is not asked again', () => {
    const site = create();
    push(site, udp(1));
    usePolicies(site, [policy('other', { selectors: to('10.9.0.0/16') }), policy('tunnel', { sa: BY_IKE })], 3);
    expect(sent(site)).toEqual([]);
    expect(asked(site).length).toBe(1);
    installPair(site);
    expect(sent(site)).toEqual([udp(1)]);
  }); // prettier-ignore

  test('a policy that the administrator keys asks nobody', () => {
    const site = create(SA_SPECIFICATION);
    push(site, udp(1));
    expect(site.events).toEqual([]);
    expect(site.drops()).toEqual({ 'outbound-no-sa': 1 });
  });

  test.each([
    ['chacha20poly1305', true],
    ['aes128gcm16', false],
  ])('RFC 4301 §5.2: of an SA that IKE made the transform is one that was offered: %s', (transform, isOffered) => {
    const choices = ['aes256gcm16', 'chacha20poly1305'].map((name) => ({ transform: name, esn: false }));
    const site = create({ ...BY_IKE, choices });
    installPair(site, { transform });
    const key = { keyMaterial: testKey(transformNamed(transform), 2), spi: 0x2002 };
    receive(site, encapsulate(key, { sequence: 1, inner: echoRequest({ source: '10.0.2.7', destination: '10.0.1.5' }) }, transform === 'chacha20poly1305'));
    site.path.turn();
    expect(site.drops()).toEqual(isOffered ? {} : { 'inbound-wrong-sa': 1 });
    expect(site.frames.length).toBe(isOffered ? 1 : 0);
  }); // prettier-ignore
});
