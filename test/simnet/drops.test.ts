// Every reason for a drop, met on purpose, with both engines: the packet goes nowhere and the right counter rises.

import { describe, expect, test } from 'vitest';
import { Counter } from '../../src/dataplane/counters.ts';
import { DROP_REASONS } from '../../src/dataplane/drop-reasons.ts';
import { SaField } from '../../src/sad/sa-state.ts';
import { Capturing, dropsIn } from '../support/capturing.ts';
import { encapsulate, type EspFields } from '../support/esp-peer.ts';
import {
  echoRequest,
  icmpError,
  ipPacket,
  tcpPacket,
  udpPacket,
  type PacketFields,
} from '../support/packets.ts';
import {
  createSite,
  installPair,
  PEER_ENDPOINT,
  receive,
  testKey,
  transformNamed,
  usePolicies,
  type TestSite,
} from '../support/packet-path-link.ts';
import { ANY, policy, prefix, SA_SPECIFICATION } from '../support/policies.ts';
import type { TunFrame } from '../../src/dataplane/portable/memory-devices.ts';

const IPV4 = { source: '10.0.1.5', destination: '10.0.2.7' };
const BACK = { source: '10.0.2.7', destination: '10.0.1.5' };
const KEY = { keyMaterial: testKey(transformNamed('aes256gcm16'), 2), spi: 0x2002 };
const INSIDE = { ...ANY, localAddress: [prefix('10.0.1.0/24')], remoteAddress: [prefix('10.0.2.0/24')] };

const esp = (fields: Partial<EspFields> = {}): Uint8Array =>
  encapsulate(KEY, { sequence: 1, inner: echoRequest(BACK), ...fields });
const tun =
  (frame: TunFrame) =>
  (site: TestSite): void => {
    site.devices.pushFrame(frame);
  };
const udp =
  (...packets: readonly Uint8Array[]) =>
  (site: TestSite): void => {
    for (const packet of packets) receive(site, packet);
  };
const laterFragment = (fields: PacketFields): Uint8Array =>
  ipPacket({ ...fields, protocol: 6, fragment: 100, payload: new Uint8Array(64) });
const tampered = (packet: Uint8Array, at: number): Uint8Array => {
  const copy = Buffer.from(packet);
  copy[at < 0 ? copy.length + at : at]! ^= 0x40;
  return copy;
};

/** Its fragmentable part starts with destination options (60); what follows them was in the first fragment. */
const IPV6_LATER_FRAGMENT = ipPacket({
  source: 'fd00:1::5',
  destination: 'fd00:2::7',
  protocol: 44,
  payload: Uint8Array.of(60, 0, 0, 0x48, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8),
});

interface Scenario {
  readonly reason: string;
  readonly what: string;
  readonly act: (site: TestSite) => void;
  readonly policies?: Parameters<typeof usePolicies>[1];
  /** Frames and datagrams that get through all the same. */
  readonly passes?: number;
}

const TUNNEL = [policy('tunnel', { selectors: INSIDE })];
const BY_PORT = [
  policy('ports', {
    action: 'DISCARD',
    selectors: { ...ANY, protocol: 6, remotePort: [{ first: 22, last: 22 }] },
  }),
  ...TUNNEL,
];
const superPacket = tcpPacket(IPV4, { data: new Uint8Array(3000) });

const SCENARIOS: readonly Scenario[] = [
  { reason: 'outbound-malformed', what: 'an empty frame', act: tun({ bytes: new Uint8Array() }) },
  { reason: 'outbound-malformed', what: 'version 5', act: tun({ bytes: Uint8Array.of(0x50, 0, 0, 20) }) },
  { reason: 'outbound-malformed', what: 'cut short', act: tun({ bytes: echoRequest(IPV4).subarray(0, 30) }) },
  {
    reason: 'outbound-malformed',
    what: 'IHL of 4 words',
    act: tun({ bytes: tampered(echoRequest(IPV4), 0).map((b, i) => (i === 0 ? 0x44 : b)) }),
  },
  {
    reason: 'outbound-malformed',
    what: 'trailing bytes',
    act: tun({ bytes: Buffer.concat([echoRequest(IPV4), Buffer.of(0)]) }),
  },
  {
    reason: 'outbound-malformed',
    what: 'a partial checksum outside the frame',
    act: tun({ bytes: echoRequest(IPV4), flags: 1, checksumStart: 30, checksumOffset: 6 }),
  },
  {
    reason: 'outbound-unsplittable',
    what: 'a segment size of 0',
    act: tun({ bytes: superPacket, gsoType: 1, segmentSize: 0 }),
  },
  {
    reason: 'outbound-unsplittable',
    what: 'a TCP super-packet that is UDP',
    act: tun({ bytes: udpPacket(IPV4), gsoType: 1, segmentSize: 8 }),
  },
  {
    reason: 'outbound-unsplittable',
    what: 'segments of one byte beyond all room',
    act: tun({ bytes: tcpPacket(IPV4, { data: new Uint8Array(60_000) }), gsoType: 1, segmentSize: 1 }),
  },
  {
    reason: 'outbound-unsplittable',
    what: 'an unknown GSO type',
    act: tun({ bytes: superPacket, gsoType: 9, segmentSize: 1000 }),
  },
  {
    reason: 'outbound-no-policy',
    what: 'another destination',
    act: tun({ bytes: echoRequest({ ...IPV4, destination: '10.9.9.9' }) }),
  },
  {
    reason: 'outbound-discard',
    what: 'a DISCARD policy first',
    act: tun({ bytes: tcpPacket(IPV4, { destinationPort: 22 }) }),
    policies: BY_PORT,
  },
  {
    reason: 'outbound-fragment-ports',
    what: 'a later fragment under a port policy',
    act: tun({ bytes: laterFragment(IPV4) }),
    policies: BY_PORT,
  },
  {
    reason: 'outbound-fragment-ports',
    what: 'an IPv6 fragment whose protocol is unknown',
    act: tun({ bytes: IPV6_LATER_FRAGMENT }),
    policies: [policy('t', { action: 'DISCARD', selectors: { ...ANY, protocol: 6 } }), policy('tunnel')],
  },
  {
    reason: 'outbound-no-sa',
    what: 'a policy without SA',
    act: tun({ bytes: echoRequest(IPV4) }),
    policies: [policy('other', { selectors: INSIDE })],
  },
  {
    reason: 'outbound-outside-selectors',
    what: 'a policy wider than its SA',
    act: tun({ bytes: echoRequest({ ...IPV4, destination: '10.9.9.9' }) }),
    policies: [policy('tunnel')],
  },
  { reason: 'inbound-truncated', what: 'two bytes', act: udp(Uint8Array.of(1, 2)) },
  { reason: 'inbound-truncated', what: 'an empty datagram', act: udp(new Uint8Array()) },
  { reason: 'inbound-truncated', what: 'an SPI alone', act: udp(Uint8Array.of(0, 0, 0x20, 2)) },
  { reason: 'inbound-ike-unsupported', what: 'the non-ESP marker', act: udp(new Uint8Array(28)) },
  {
    reason: 'inbound-unknown-spi',
    what: 'an SPI that nobody has',
    act: udp(encapsulate({ ...KEY, spi: 0x7777 }, { sequence: 1, inner: echoRequest(BACK) })),
  },
  { reason: 'inbound-esp-too-short', what: 'no room for the ICV', act: udp(esp().subarray(0, 32)) },
  { reason: 'inbound-esp-too-short', what: 'not aligned', act: udp(esp().subarray(0, -1)) },
  { reason: 'inbound-no-sequence', what: 'sequence number 0', act: udp(esp({ sequence: 0 })) },
  { reason: 'inbound-replay', what: 'one packet twice in one batch', act: udp(esp(), esp()), passes: 1 },
  {
    reason: 'inbound-too-old',
    what: 'a number left of the window',
    act: udp(esp({ sequence: 1000 }), esp({ sequence: 1000 - 64 })),
    passes: 2,
  },
  { reason: 'inbound-icv-mismatch', what: 'a changed ICV', act: udp(tampered(esp(), -1)) },
  { reason: 'inbound-icv-mismatch', what: 'a changed payload', act: udp(tampered(esp(), 20)) },
  { reason: 'inbound-icv-mismatch', what: 'a changed sequence number', act: udp(tampered(esp(), 7)) },
  {
    reason: 'inbound-icv-mismatch',
    what: 'another key',
    act: udp(
      encapsulate(
        { ...KEY, keyMaterial: testKey(transformNamed('aes256gcm16'), 9) },
        { sequence: 1, inner: echoRequest(BACK) },
      ),
    ),
  },
  { reason: 'inbound-padding', what: 'padding of zeros', act: udp(esp({ padding: new Uint8Array(6) })) },
  { reason: 'inbound-padding', what: 'a pad length beyond the packet', act: udp(esp({ padLength: 255 })) },
  { reason: 'inbound-dummy', what: 'next header 59', act: udp(esp({ nextHeader: 59 })) },
  { reason: 'inbound-next-header', what: 'TCP without an IP header', act: udp(esp({ nextHeader: 6 })) },
  {
    reason: 'inbound-malformed',
    what: 'an empty inner packet',
    act: udp(esp({ inner: new Uint8Array(), nextHeader: 4 })),
  },
  { reason: 'inbound-malformed', what: 'IPv4 announced as IPv6', act: udp(esp({ nextHeader: 41 })) },
  {
    reason: 'inbound-malformed',
    what: 'random bytes',
    act: udp(esp({ inner: Uint8Array.from({ length: 50 }, (_, i) => i * 37), nextHeader: 4 })),
  },
  {
    reason: 'inbound-fragment-ports',
    what: 'a later fragment under a port policy',
    act: udp(esp({ inner: laterFragment(BACK) })),
    policies: BY_PORT,
  },
  {
    reason: 'outbound-hiding-fragment',
    what: 'TCP flags that a fragment could rewrite',
    act: tun({ bytes: ipPacket({ ...IPV4, protocol: 6, fragment: 1, payload: new Uint8Array(64) }) }),
  },
  {
    reason: 'inbound-hiding-fragment',
    what: 'a first fragment of TCP without its flags',
    act: udp(
      esp({ inner: ipPacket({ ...BACK, protocol: 6, fragment: 0x2000, payload: new Uint8Array(8) }) }),
    ),
  },
  {
    reason: 'outbound-multicast',
    what: 'a multicast listener report under a policy for everything',
    act: tun({ bytes: udpPacket({ source: 'fd00:1::5', destination: 'ff02::16' }) }),
    policies: [policy('tunnel')],
  },
  {
    reason: 'inbound-multicast',
    what: 'a group that the SA does not name',
    act: udp(esp({ inner: udpPacket({ ...BACK, destination: '239.1.1.1' }) })),
  },
  {
    reason: 'outbound-icmp-error-cut',
    what: 'an error with half an IP header',
    act: tun({ bytes: icmpError(IPV4, { enclosed: udpPacket(BACK).subarray(0, 12) }) }),
  },
  {
    reason: 'inbound-icmp-error-cut',
    what: 'an error with nothing behind its header',
    act: udp(esp({ inner: icmpError(BACK, { enclosed: new Uint8Array() }) })),
  },
  {
    reason: 'outbound-icmp-error',
    what: 'an error about a packet that no policy lets in',
    act: tun({ bytes: icmpError(IPV4, { enclosed: udpPacket({ ...BACK, source: '10.9.9.9' }) }) }),
  },
  {
    reason: 'inbound-icmp-error',
    what: 'an error about a packet that its SA does not carry',
    act: udp(esp({ inner: icmpError(BACK, { enclosed: udpPacket({ ...IPV4, destination: '10.9.9.9' }) }) })),
  },
  {
    reason: 'inbound-outside-selectors',
    what: 'a source that the SA does not carry',
    act: udp(esp({ inner: echoRequest({ ...BACK, source: '10.9.9.9' }) })),
  },
  { reason: 'inbound-no-policy', what: 'no policies at all', act: udp(esp()), policies: [] },
  {
    reason: 'inbound-discard',
    what: 'a DISCARD policy first',
    act: udp(esp()),
    policies: [policy('d', { action: 'DISCARD' })],
  },
  {
    reason: 'inbound-wrong-sa',
    what: 'a policy for another peer',
    act: udp(esp()),
    policies: [policy('p', { sa: { ...SA_SPECIFICATION, peer: 'other' } })],
  },
  {
    reason: 'inbound-wrong-sa',
    what: 'a policy with another transform',
    act: udp(esp()),
    policies: [policy('p', { sa: { ...SA_SPECIFICATION, transform: 'aes128gcm16' } })],
  },
  {
    reason: 'inbound-ecn',
    what: 'congestion for a flow without ECN',
    act: (site) => {
      receive(site, esp(), 0, 3);
    },
  },
];

describe.each(['native', 'portable'] as const)('%s engine', (engine) => {
  test.each(SCENARIOS)('$reason: $what', ({ reason, act, policies = TUNNEL, passes = 0 }) => {
    const site = createSite(engine);
    installPair(site, { selectors: INSIDE });
    usePolicies(site, policies);
    const capturing = new Capturing(site);
    act(site);
    site.path.turn();
    expect(dropsIn(capturing.take())).toEqual({ [reason]: 1 });
    if (reason === 'inbound-too-old') {
      // Both were fresh when they were looked at; the window moved in between.
      expect(site.drops()).toEqual({ [reason]: 1 });
      expect(site.frames.length + site.datagrams.length).toBe(1);
      return;
    }
    expect(site.drops()).toEqual({ [reason]: 1 });
    expect(site.frames.length + site.datagrams.length).toBe(passes);
  });

  test('used-up sequence numbers send nothing, and a grant goes on behind a gap', () => {
    const site = createSite(engine);
    const { outbound } = installPair(site, { selectors: INSIDE, block: { first: 1, end: 3 } });
    usePolicies(site, TUNNEL);
    const send = (): void => {
      site.devices.pushFrame({ bytes: echoRequest(IPV4) });
      site.path.turn();
    };
    for (let i = 0; i < 4; i++) send();
    expect(site.drops()).toEqual({ 'outbound-sequence-exhausted': 2 });
    // RFC 4303 §3.3.3: an audit has the SPI and where the packet would have gone.
    const [audit] = site.events.filter(({ type }) => type === 'audit');
    expect(audit).toMatchObject({ record: { spi: 0x1001, destination: PEER_ENDPOINT.address } });
    const sa = { slot: outbound.slot, id: outbound.id };
    expect(site.events.filter(({ type }) => type !== 'audit')).toEqual([{ type: 'sequence-low', sa }]);
    site.path.execute({ type: 'grant-sequence', sa, block: { first: 500, end: 1000 } });
    send();
    const numbers = site.datagrams.map(({ bytes }) => Buffer.from(bytes).readUInt32BE(4));
    expect(numbers).toEqual([1, 2, 500]);
  });

  test('a sequence number that goes back is refused by the engine, and nothing of its batch is sent', () => {
    const site = createSite(engine);
    const { outbound } = installPair(site, { selectors: INSIDE });
    usePolicies(site, TUNNEL);
    site.devices.pushFrame({ bytes: echoRequest(IPV4) });
    site.path.turn();
    expect(site.datagrams.length).toBe(1);
    // As a defect of the counter would: the number that was just sent comes up again.
    outbound.state[SaField.sequence] = 1;
    const capturing = new Capturing(site);
    site.devices.pushFrame({ bytes: echoRequest(IPV4) });
    site.devices.pushFrame({ bytes: echoRequest(IPV4, 2) });
    site.path.turn();
    expect(site.datagrams.length).toBe(1);
    expect(site.drops()).toEqual({ 'outbound-sequence-guard': 2 });
    expect(dropsIn(capturing.take())).toEqual({ 'outbound-sequence-guard': 2 });
  });

  test('a BYPASS policy accepts a decrypted packet and counts it apart', () => {
    const site = createSite(engine);
    installPair(site, { selectors: INSIDE });
    usePolicies(site, [policy('b', { action: 'BYPASS' })]);
    receive(site, esp());
    site.path.turn();
    expect(site.frames.length).toBe(1);
    expect(site.counters[Counter.inboundBypassPackets]).toBe(1);
  });
});

test('no reason of the table is left without a scenario', () => {
  const elsewhere = [
    // Above, with blocks of numbers; and by devices that fail, which have tests of their own.
    'outbound-sequence-exhausted',
    'outbound-sequence-guard',
    // test/compliance has these two.
    'outbound-lifetime',
    'inbound-lifetime',
    'outbound-send-failed',
    'outbound-send-buffer-full',
    'outbound-clear-failed',
    'inbound-tun-write-failed',
    'outbound-queue-full',
    'inbound-queue-full',
    // test/compliance/rfc4301-8-path-mtu.test.ts, rfc7296-2.23-address.test.ts
    'outbound-too-big',
    'outbound-no-address',
    // ike-datagrams.test.ts
    'inbound-ike-backlog',
    'inbound-ike-malformed',
    'inbound-ike-unknown-spi',
    // test/unit/dataplane/first-messages.test.ts
    'inbound-kernel',
    // acquire.test.ts
    'outbound-acquire-failed',
    'outbound-hold-full',
    'outbound-hold-expired',
    // several-workers.test.ts
    'outbound-hand-over-full',
    'inbound-hand-over-full',
  ];
  const met = new Set([...SCENARIOS.map(({ reason }) => reason), ...elsewhere]);
  expect(
    DROP_REASONS.slice(1)
      .map(({ name }) => name)
      .filter((name) => !met.has(name)),
  ).toEqual([]);
});
