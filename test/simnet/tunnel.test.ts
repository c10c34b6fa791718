// Two whole packet paths joined by a link: what goes in on one side comes out on the other, unchanged.

import { describe, expect, test } from 'vitest';
import { SaField } from '../../src/sad/sa-state.ts';
import { decapsulate, encapsulate } from '../support/esp-peer.ts';
import { echoRequest, tcpPacket, udpPacket } from '../support/packets.ts';
import {
  createSite,
  deliver,
  installPair,
  receive,
  TEST_LIMITS,
  testKey,
  transformNamed,
  usePolicies,
  type TestSite,
} from '../support/packet-path-link.ts';
import { policy, SA_SPECIFICATION } from '../support/policies.ts';

const IPV4 = { source: '10.0.1.5', destination: '10.0.2.7' };
const IPV6 = { source: 'fd00:1::5', destination: 'fd00:2::7' };
const ENGINES = ['native', 'portable'] as const;
const TRANSFORMS = [
  'aes256gcm16',
  'aes192gcm16',
  'aes128gcm16',
  'chacha20poly1305',
  'aes128gcm8',
  'aes256ccm12',
  'aes256-sha256',
  'aes128-sha512',
  'aes256gmac',
  'null-sha384',
] as const;

function createTunnel(
  engine: 'native' | 'portable',
  transform = 'aes256gcm16',
  esn = false,
): { a: TestSite; b: TestSite } {
  const sites = { a: createSite(engine), b: createSite(engine) };
  const there = { outboundSpi: 0x1001, inboundSpi: 0x2002, outboundSeed: 1, inboundSeed: 2 };
  const back = { outboundSpi: 0x2002, inboundSpi: 0x1001, outboundSeed: 2, inboundSeed: 1 };
  installPair(sites.a, { ...there, transform, esn });
  installPair(sites.b, { ...back, transform, esn });
  for (const site of [sites.a, sites.b])
    usePolicies(site, [policy('tunnel', { sa: { ...SA_SPECIFICATION, transform, esn } })]);
  return sites;
}

function carry(from: TestSite, to: TestSite, packet: Uint8Array): Uint8Array | undefined {
  from.devices.pushFrame({ bytes: packet });
  from.path.turn();
  deliver(from, to);
  return to.frames.splice(0)[0]?.bytes;
}

describe.each(ENGINES)('%s engine', (engine) => {
  test.each(TRANSFORMS.flatMap((transform) => [false, true].map((esn) => ({ transform, esn }))))(
    '$transform, ESN $esn, carries both families both ways',
    ({ transform, esn }) => {
      const { a, b } = createTunnel(engine, transform, esn);
      for (const ip of [IPV4, IPV6]) {
        for (let size = 0; size < 9; size++) {
          const packet = udpPacket(ip, { data: new Uint8Array(size).fill(size) });
          expect(Buffer.from(carry(a, b, packet) ?? [])).toEqual(Buffer.from(packet));
          expect(Buffer.from(carry(b, a, packet) ?? [])).toEqual(Buffer.from(packet));
        }
      }
      expect({ ...a.drops(), ...b.drops() }).toEqual({});
    },
  );

  test.each([
    [IPV4, 1],
    [IPV6, 4],
  ])('cuts a TCP super-packet, and the far side joins it again', (ip, gsoType) => {
    const { a, b } = createTunnel(engine);
    const data = Uint8Array.from({ length: 40_000 }, (_, i) => i * 31);
    const packet = tcpPacket({ ...ip, identification: 7 }, { data, flags: 0x18, sequence: 0xffffff00 });
    a.devices.pushFrame({ bytes: packet, gsoType, segmentSize: 1366, flags: 1, headerLength: 0 });
    a.path.turn();
    expect(a.datagrams.length).toBe(Math.ceil(40_000 / 1366));
    expect(Math.max(...a.datagrams.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(1472);
    const all = Buffer.concat(a.datagrams.map(({ bytes }) => bytes));
    receive(b, all, a.datagrams[0]?.bytes.length);
    b.path.turn();
    expect(b.frames.length).toBe(1);
    expect(b.frames[0]).toMatchObject({ gsoType, segmentSize: 1366, flags: 1 });
    // Everything but the checksum, of which a super-packet has only the part over the pseudo-header. Compared as
    // text: a difference in so many bytes is not for reading.
    const checksumAt = (ip === IPV4 ? 20 : 40) + 16;
    const withoutChecksum = (bytes: Uint8Array): string =>
      Buffer.from(bytes)
        .fill(0, checksumAt, checksumAt + 2)
        .toString('base64');
    expect(withoutChecksum(b.frames[0]?.bytes ?? packet) === withoutChecksum(packet)).toBe(true);
  });

  test('joins no more segments than one write can take', () => {
    const { a } = createTunnel(engine);
    // A batch of the far side that holds more one-byte segments than a writev takes vectors.
    const wide = createSite(engine, { ...TEST_LIMITS, openJobs: 2048 });
    installPair(wide, {
      outboundSpi: 0x2002,
      inboundSpi: 0x1001,
      outboundSeed: 2,
      inboundSeed: 1,
      replayWindowPackets: 4096,
    });
    usePolicies(wide, [policy('tunnel')]);
    for (let sequence = 0; sequence < 1100; sequence++) {
      a.devices.pushFrame({
        bytes: tcpPacket({ ...IPV4, fragment: 0x4000 }, { sequence, data: Uint8Array.of(1) }),
      });
      a.path.turn();
    }
    while (a.path.turn() > 0);
    const sent = a.datagrams.splice(0).map(({ bytes }) => bytes);
    for (let first = 0; first < sent.length; first += 40)
      receive(wide, Buffer.concat(sent.slice(first, first + 40)), sent[0]?.length);
    wide.path.turn();
    expect(wide.frames.map(({ bytes }) => bytes.length - 40)).toEqual([1023, 77]);
  });

  test('sends what an independent implementation understands', () => {
    const { a } = createTunnel(engine);
    const packet = echoRequest(IPV4);
    a.devices.pushFrame({ bytes: packet });
    a.path.turn();
    const key = { keyMaterial: testKey(transformNamed('aes256gcm16'), 1), spi: 0x1001 };
    const opened = decapsulate(key, a.datagrams[0]?.bytes ?? new Uint8Array());
    expect(opened).toMatchObject({ sequence: 1, nextHeader: 4 });
    expect(Buffer.from(opened.inner)).toEqual(Buffer.from(packet));
    expect([...opened.padding]).toEqual([1, 2].slice(0, opened.padding.length));
  });

  test('understands what an independent implementation sends, longer padding included', () => {
    const { b } = createTunnel(engine);
    const key = { keyMaterial: testKey(transformNamed('aes256gcm16'), 1), spi: 0x1001 };
    const inner = echoRequest(IPV6);
    const padding = Uint8Array.from({ length: 254 }, (_, i) => i + 1);
    receive(b, encapsulate(key, { sequence: 1, inner, padding }));
    b.path.turn();
    expect(Buffer.from(b.frames[0]?.bytes ?? [])).toEqual(Buffer.from(inner));
  });

  test.each([IPV4, IPV6])('takes traffic flow confidentiality padding off', (ip) => {
    const { b } = createTunnel(engine);
    const key = { keyMaterial: testKey(transformNamed('aes256gcm16'), 1), spi: 0x1001 };
    const packet = echoRequest(ip);
    const inner = Buffer.concat([packet, Buffer.alloc(300, 0xee)]);
    receive(b, encapsulate(key, { sequence: 1, inner }));
    b.path.turn();
    expect(Buffer.from(b.frames[0]?.bytes ?? [])).toEqual(Buffer.from(packet));
  });

  test('extended sequence numbers go over 2^32', () => {
    const { b } = createTunnel(engine, 'aes256gcm16', true);
    const key = { keyMaterial: testKey(transformNamed('aes256gcm16'), 1), spi: 0x1001, esn: true };
    const near = 2 ** 32 - 3;
    b.sad.inbound[0]!.state[SaField.sequence] = near - 1;
    for (let sequence = near; sequence < near + 6; sequence++) {
      receive(b, encapsulate(key, { sequence, inner: echoRequest(IPV4, sequence & 0xff) }));
      b.path.turn();
    }
    expect(b.frames.length).toBe(6);
    expect(b.drops()).toEqual({});
    expect(b.sad.inbound[0]!.state[SaField.sequence]).toBe(2 ** 32 + 2);
  });

  test('a train that mixes SPIs, IKE and keepalive-sized segments is looked at segment by segment', () => {
    const { b } = createTunnel(engine);
    const key = { keyMaterial: testKey(transformNamed('aes256gcm16'), 1), spi: 0x1001 };
    const esp = (sequence: number): Uint8Array => encapsulate(key, { sequence, inner: echoRequest(IPV4) });
    const length = esp(1).length;
    const ike = new Uint8Array(length);
    const stranger = Buffer.from(esp(3));
    stranger.writeUInt32BE(0x9999, 0);
    receive(b, Buffer.concat([esp(1), ike, stranger, esp(2), Buffer.of(0xff)]), length);
    b.path.turn();
    expect(b.frames.length).toBe(2);
    expect(b.drops()).toEqual({ 'inbound-ike-unsupported': 1, 'inbound-unknown-spi': 1 });
  });

  test('DSCP and ECN go to the outer header, and congestion comes back', () => {
    const { a, b } = createTunnel(engine);
    a.devices.pushFrame({ bytes: udpPacket({ ...IPV4, trafficClass: 0xba }) });
    a.path.turn();
    expect(a.datagrams[0]?.trafficClass).toBe(0xba);
    receive(b, a.datagrams[0]?.bytes ?? new Uint8Array(), 0, 0xbb);
    b.path.turn();
    expect(b.frames[0]?.bytes[1]).toBe(0xbb);
  });
});
