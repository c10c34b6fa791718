// What a capture sees of a packet path, with both engines: each packet on each side, its policy and peer, and what devices
// or IKE did to it afterwards.

import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { Side, Way, type RingPacket } from '../../src/dataplane/capture/capture-ring.ts';
import { readEnvelope } from '../../src/dataplane/capture/envelope.ts';
import { Drop, DROP_REASONS } from '../../src/dataplane/drop-reasons.ts';
import { Capturing, dropsIn, EVERYTHING, reasonsOn } from '../support/capturing.ts';
import { encapsulate } from '../support/esp-peer.ts';
import { echoRequest, tcpPacket } from '../support/packets.ts';
import {
  createSite,
  deliver,
  IKE_SOCKETS,
  installPair,
  PEER_ENDPOINT,
  receive,
  testKey,
  transformNamed,
  usePolicies,
  type TestSite,
} from '../support/packet-path-link.ts';
import { ANY, policy, prefix, SA_SPECIFICATION } from '../support/policies.ts';

const IPV4 = { source: '10.0.1.5', destination: '10.0.2.7' };
const BACK = { source: '10.0.2.7', destination: '10.0.1.5' };
const KEY = { keyMaterial: testKey(transformNamed('aes256gcm16'), 2), spi: 0x2002 };

const summary = ({ side, way, reason, policy: name, peer }: RingPacket): string =>
  [
    side === Side.inner ? 'inner' : 'outer',
    way === Way.inbound ? 'in' : 'out',
    ...[DROP_REASONS[reason]?.name, name, peer],
  ].join(' ');

function push(site: TestSite, bytes: Uint8Array): void {
  site.devices.pushFrame({ bytes });
  site.path.turn();
}

describe.each(['native', 'portable'] as const)('%s engine', (engine) => {
  const create = (): TestSite => {
    const site = createSite(engine);
    installPair(site);
    usePolicies(site, [policy('tunnel')]);
    return site;
  };

  test('one that is begun twice is one', () => {
    const site = create();
    const capturing = new Capturing(site);
    site.path.execute(capturing.command);
    push(site, echoRequest(IPV4));
    expect(capturing.take().map(summary)).toEqual(['inner out pass tunnel far', 'outer out pass tunnel far']);
  });

  test('a packet and its answer, on both sides', () => {
    const site = create();
    site.clock.nowMs = 5000.25;
    const capturing = new Capturing(site);
    const request = echoRequest(IPV4);
    push(site, request);
    const answer = encapsulate(KEY, { sequence: 1, inner: echoRequest(BACK) });
    receive(site, answer, 0, 0x2e);
    site.path.turn();
    const packets = capturing.take();
    expect(packets.map(summary)).toEqual([
      'inner out pass tunnel far',
      'outer out pass tunnel far',
      'outer in pass tunnel far',
      'inner in pass tunnel far',
    ]);
    const [clear, sealed, arrived, opened] = packets;
    expect(clear?.bytes).toEqual(Buffer.from(request));
    expect(sealed?.bytes).toEqual(Buffer.from(site.datagrams[0]!.bytes));
    // Before it was decrypted in place.
    expect(arrived?.bytes).toEqual(Buffer.from(answer));
    expect(opened?.bytes).toEqual(Buffer.from(site.frames[0]!.bytes));
    expect(packets.every(({ clockMs }) => clockMs === 5000.25)).toBe(true);
    expect(readEnvelope(sealed!.envelope)).toEqual({
      ...{ source: IKE_SOCKETS[0]!.address, destination: PEER_ENDPOINT.address },
      ...{ sourcePort: 4500, destinationPort: 4500, trafficClass: 0, dontFragment: false },
    });
    expect(readEnvelope(arrived!.envelope)).toMatchObject({
      ...{ source: Uint8Array.of(203, 0, 113, 1), destination: IKE_SOCKETS[0]!.address, trafficClass: 0x2e },
    });
  });

  test('a super-packet is one packet inside, and a train is its datagrams outside', () => {
    const site = create();
    const capturing = new Capturing(site, { snapBytes: 500 });
    const bytes = tcpPacket(IPV4, { data: new Uint8Array(2500) });
    site.devices.pushFrame({ bytes, gsoType: 1, segmentSize: 1000 });
    site.path.turn();
    const [inner, ...outer] = capturing.take();
    expect([inner?.originalBytes, inner?.bytes.length]).toEqual([bytes.length, 500]);
    const sealed = [1000, 1000, 500].map((data) => 16 + Math.ceil((40 + data + 2) / 4) * 4 + 16);
    expect(outer.map(({ originalBytes }) => originalBytes)).toEqual(sealed);
    expect(outer.map(({ bytes: { length } }) => length)).toEqual([500, 500, 500]);
  });

  test('filters: one side, a policy, a peer', () => {
    const site = createSite(engine);
    const away = { ...ANY, remoteAddress: [prefix('10.9.0.0/16')] };
    installPair(site);
    usePolicies(site, [policy('away', { action: 'DISCARD', selectors: away }), policy('tunnel')]);
    const filters = [
      { ...EVERYTHING, outer: false },
      { ...EVERYTHING, inner: false },
      { ...EVERYTHING, policy: 'away' },
      { ...EVERYTHING, peer: 'far' },
    ];
    const captures = filters.map((filter) => new Capturing(site, { filter }));
    // Twice: the second time the flow is known.
    for (let i = 0; i < 2; i++) {
      push(site, echoRequest(IPV4));
      push(site, echoRequest({ ...IPV4, destination: '10.9.9.9' }));
    }
    const [sent, dropped] = ['inner out pass tunnel far', 'inner out outbound-discard away '];
    const sealed = 'outer out pass tunnel far';
    expect(captures.map((capture) => capture.take().map(summary))).toEqual([
      [sent, dropped, sent, dropped],
      [sealed, sealed],
      [dropped, dropped],
      [sent, sealed, sent, sealed],
    ]);
  });

  test('a capture that has ended sees nothing more, and another goes on', () => {
    const site = create();
    const [first, second] = [new Capturing(site), new Capturing(site)];
    push(site, echoRequest(IPV4));
    first.stop();
    push(site, echoRequest(IPV4));
    expect(first.take()).toHaveLength(2);
    expect(second.take()).toHaveLength(4);
  });

  test('who does not read loses packets, and no packet waits for that', () => {
    const site = create();
    const capturing = new Capturing(site, { ringBytes: 1024 });
    for (let i = 0; i < 100; i++) push(site, echoRequest(IPV4, i));
    expect(site.datagrams).toHaveLength(100);
    expect(capturing.lost).toBeGreaterThan(150);
  });

  test('devices that take nothing', () => {
    const site = createSite(engine);
    usePolicies(site, [policy('past', { action: 'BYPASS' })]);
    const capturing = new Capturing(site);
    site.clearLink.isUp = false;
    push(site, echoRequest(IPV4));
    expect(capturing.take().map(summary)).toEqual(['inner out outbound-clear-failed past ']);

    installPair(site);
    usePolicies(site, [policy('tunnel')], 3);
    site.faults.tunIsFull = true;
    receive(site, encapsulate(KEY, { sequence: 1, inner: echoRequest(BACK) }));
    site.path.turn();
    const refused = ['outer in pass tunnel far', 'inner in inbound-tun-write-failed tunnel far'];
    expect(capturing.take().map(summary)).toEqual(refused);
    for (const [errno, reason] of [
      [constants.errno.EAGAIN, 'outbound-send-buffer-full'],
      [constants.errno.EPERM, 'outbound-send-failed'],
    ] as const) {
      site.faults.sendErrno = errno;
      push(site, echoRequest(IPV4));
      const packets = capturing.take();
      expect(packets.map(summary)).toEqual(['inner out pass tunnel far', `outer out ${reason} tunnel far`]);
    }
  });

  test('packets that wait for an SA are seen when they go on, or why they do not', () => {
    const site = createSite(engine, undefined, IKE_SOCKETS);
    usePolicies(site, [policy('tunnel', { sa: { ...SA_SPECIFICATION, keying: 'ike' } })]);
    const capturing = new Capturing(site);
    push(site, echoRequest(IPV4));
    expect(capturing.take()).toEqual([]);
    installPair(site);
    site.path.turn();
    expect(capturing.take().map(summary)).toEqual(['inner out pass tunnel far', 'outer out pass tunnel far']);
    site.path.execute({ type: 'remove-outbound', sa: site.sad.outbound[0]! });
    push(site, echoRequest({ ...IPV4, destination: '10.0.2.8' }, 7));
    site.clock.nowMs += 30_000;
    site.path.turn();
    const [expired] = capturing.take();
    expect(summary(expired!)).toBe('inner out outbound-hold-expired tunnel far');
    expect(expired?.bytes).toEqual(Buffer.from(echoRequest({ ...IPV4, destination: '10.0.2.8' }, 7)));
  });

  test('IKE, with its marker, and whose it is', () => {
    const site = createSite(engine, undefined, IKE_SOCKETS);
    installPair(site, { endpoint: { ...PEER_ENDPOINT, address: Uint8Array.of(203, 0, 113, 1) } });
    const capturing = new Capturing(site, { filter: { ...EVERYTHING, peer: 'far' } });
    const message = Buffer.alloc(32, 0x11);
    message.writeUInt32BE(message.length, 24);
    receive(site, Buffer.concat([Buffer.alloc(4), message]));
    site.path.turn();
    const { address, port } = site.sad.outbound[0]!.endpoint!;
    site.path.execute({ type: 'send-ike', socket: 0, address, port, bytes: message });
    const packets = capturing.take();
    expect(packets.map(summary)).toEqual(['outer in pass  far', 'outer out pass  far']);
    for (const { bytes } of packets) expect(bytes).toEqual(Buffer.concat([Buffer.alloc(4), message]));
  });

  test('a packet that is not authentic has the reason outside, and nothing inside', () => {
    const site = create();
    const capturing = new Capturing(site);
    const packet = encapsulate(KEY, { sequence: 1, inner: echoRequest(BACK) });
    packet[packet.length - 1]! ^= 1;
    receive(site, packet);
    receive(site, encapsulate(KEY, { sequence: 2, inner: echoRequest(BACK) }));
    site.path.turn();
    const packets = capturing.take();
    expect(packets.map(summary)).toEqual([
      'outer in inbound-icv-mismatch tunnel far',
      'outer in pass tunnel far',
      'inner in pass tunnel far',
    ]);
    expect(packets[0]?.bytes).toEqual(Buffer.from(packet));
    expect(reasonsOn(Side.inner, packets)).toEqual({});
    expect(dropsIn(packets)).toEqual({ [DROP_REASONS[Drop.inboundIcvMismatch]!.name]: 1 });
  });
});

test('a native gateway and a portable one see the same of a talk', () => {
  const [native, portable] = (['native', 'portable'] as const).map((engine) => {
    const site = createSite(engine);
    installPair(site, { outboundSpi: 0x2002, outboundSeed: 2 });
    usePolicies(site, [policy('tunnel')]);
    const capturing = new Capturing(site);
    push(site, echoRequest(IPV4));
    deliver(site, site);
    return capturing.take().map((packet) => ({ ...packet, bytes: packet.bytes.toString() }));
  });
  expect(native).toHaveLength(4);
  expect(native).toEqual(portable);
});
