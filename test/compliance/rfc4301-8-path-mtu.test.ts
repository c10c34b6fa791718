// RFC 4301 §8: the path MTU is learned within limits, and inner packets that do not fit it are fragmented or refused.

import { describe, expect, test } from 'vitest';
import type { PathReportFields } from '../../src/dataplane/portable/memory-devices.ts';
import { internetChecksum, ipPacket, tcpPacket, udpPacket } from '../support/packets.ts';
import { installPair, usePolicies } from '../support/packet-path-link.ts';
import { ANY, policy, prefix } from '../support/policies.ts';
import { createTunnelEnd, passTime, type TunnelEnd } from '../support/tunnel-pair.ts';

const IPV4 = { source: '10.0.1.5', destination: '10.0.2.7' };
const IPV6 = { source: 'fd00:1::5', destination: 'fd00:2::7' };
const DF = 0x4000;
const PEER = Uint8Array.of(198, 51, 100, 1);
/** Outer IPv4 and UDP, ESP header, IV, trailer and ICV around a multiple of four bytes. */
const innerRoom = (pathMtu: number): number => ((pathMtu - 20 - 8 - 8 - 8 - 16) & ~3) - 2;

const ofSize = (size: number, fragment = DF): Uint8Array =>
  udpPacket({ ...IPV4, fragment, identification: 77 }, { data: pattern(size - 28) });
const pattern = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

function report(end: TunnelEnd, mtu: number, fields: Partial<PathReportFields> = {}): void {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(0x1001, 0);
  header.writeUInt32BE(1, 4);
  end.site.devices.pushPathReport({
    origin: 'icmp',
    mtu,
    address: PEER,
    port: 4500,
    quoted: header,
    ...fields,
  });
  end.site.path.turn();
}

/** A gateway that has sent one packet, so that a report can speak of it. */
function afterOnePacket(engine: 'native' | 'portable', ...options: [] | [object]): TunnelEnd {
  const end = createTunnelEnd(engine, ...options);
  end.send(ofSize(1400));
  return end;
}

/** The largest packet with DF that leaves. */
function largest(end: TunnelEnd): number {
  let [fits, tooBig] = [100, 65_000];
  while (tooBig - fits > 1) {
    const size = (fits + tooBig) >> 1;
    if (end.send(ofSize(size)).length === 1) fits = size;
    else tooBig = size;
  }
  end.site.frames.splice(0);
  return fits;
}

describe.each(['native', 'portable'] as const)('%s engine', (engine) => {
  describe('what is learned', () => {
    test('RFC 4301 §8.2.1, SAD row "Path MTU": a report about a packet that was sent lowers the path MTU', () => {
      const end = afterOnePacket(engine);
      report(end, 1300);
      expect(largest(end)).toBe(innerRoom(1300));
      expect(end.site.events).toEqual([{ type: 'path-mtu', peer: 'far', mtu: 1300, espRoom: 1272 }]);
    });

    const quoted = (spi: number, sequence: number): Buffer => {
      const header = Buffer.alloc(8);
      header.writeUInt32BE(spi, 0);
      header.writeUInt32BE(sequence, 4);
      return header;
    };
    test.each<[string, Partial<PathReportFields>]>([
      ['repeats nothing of the ESP packet', { quoted: new Uint8Array(0) }],
      ['repeats only the SPI', { quoted: quoted(0x1001, 1).subarray(0, 4) }],
      ['names another SPI', { quoted: quoted(0x1002, 1) }],
      ['names a number that was not sent yet', { quoted: quoted(0x1001, 2) }],
      ['names a number that is never sent', { quoted: quoted(0x1001, 0) }],
      ['speaks of another address', { address: Uint8Array.of(198, 51, 100, 2) }],
      ['speaks of another port', { port: 4501 }],
    ])('RFC 4301 §8.2.1: a report that %s changes nothing', (_, fields) => {
      const end = afterOnePacket(engine);
      report(end, 1300, fields);
      expect(end.send(ofSize(1400))).toHaveLength(1);
      expect(end.site.events).toEqual([]);
    });

    test('RFC 4301 §8.2.1: the local device is believed without proof', () => {
      const end = createTunnelEnd(engine);
      report(end, 1400, { origin: 'local', port: 0, quoted: new Uint8Array(0) });
      expect(largest(end)).toBe(innerRoom(1400));
    });

    test.each([0, 300, 575])(
      'RFC 1191 §5: a report of %i is taken for 576, where fragments outside may pass',
      (mtu) => {
        const end = afterOnePacket(engine);
        report(end, mtu);
        expect(largest(end)).toBe(innerRoom(576));
        expect(end.send(ofSize(400)).map(({ dontFragment }) => dontFragment)).toEqual([false]);
      },
    );

    test('RFC 791 §3.1: a report below what every link carries is nonsense', () => {
      const end = afterOnePacket(engine);
      report(end, 67);
      expect(end.send(ofSize(1400))).toHaveLength(1);
    });

    test('RFC 8200 §5: over IPv6 a report of less than 1280 is taken for 1280', () => {
      const address = Uint8Array.from({ length: 16 }, (_, i) => i + 0x20);
      const end = afterOnePacket(engine, { endpoint: { socket: 0, address, port: 4500 } });
      report(end, 600, { address });
      expect(end.site.events).toEqual([{ type: 'path-mtu', peer: 'far', mtu: 1280, espRoom: 1232 }]);
    });

    test('RFC 4301 §8.2.2, RFC 1191 §6.3: a higher report does not raise it, ten minutes do', () => {
      const end = afterOnePacket(engine);
      report(end, 1300);
      report(end, 1350);
      expect(largest(end)).toBe(innerRoom(1300));
      passTime(end, 599_000);
      expect(largest(end)).toBe(innerRoom(1300));
      passTime(end, 1_000);
      expect(end.send(ofSize(1400))).toHaveLength(1);
      expect(end.site.events.at(-1)).toMatchObject({ type: 'path-mtu', mtu: undefined });
    });

    test('RFC 1191 §6.3: a report that repeats it lets the ten minutes start again', () => {
      const end = afterOnePacket(engine);
      report(end, 1300);
      passTime(end, 400_000);
      report(end, 1300);
      passTime(end, 400_000);
      expect(largest(end)).toBe(innerRoom(1300));
    });

    test('RFC 4301 §8.2.1: a configured path MTU is not moved by reports', () => {
      const end = createTunnelEnd(engine, {}, { pathMtu: 1400 });
      end.send(ofSize(1000));
      report(end, 1300);
      expect(largest(end)).toBe(innerRoom(1400));
    });

    test('RFC 4301 §8.2.1: many changes are told to the main thread once a second', () => {
      const end = afterOnePacket(engine);
      for (let mtu = 1400; mtu > 1300; mtu--) report(end, mtu);
      expect(end.site.events).toHaveLength(1);
      passTime(end, 1000);
      expect(end.site.events).toHaveLength(2);
      expect(end.site.events[1]).toMatchObject({ mtu: 1301 });
    });
  });

  describe('what does not fit', () => {
    const narrow = (pathMtu = 1300, options = {}): TunnelEnd => createTunnelEnd(engine, options, { pathMtu });
    const oneFrame = (end: TunnelEnd): Buffer => {
      expect(end.site.frames).toHaveLength(1);
      return Buffer.from(end.site.frames.splice(0)[0]!.bytes);
    };

    test('RFC 4301 §8.2.1: IPv4 with DF is answered with fragmentation needed and the next-hop MTU', () => {
      const end = narrow();
      const packet = ofSize(1400);
      expect(end.send(packet)).toEqual([]);
      const message = oneFrame(end);
      expect(message.readUInt16BE(2)).toBe(message.length);
      expect(internetChecksum(message.subarray(0, 20))).toBe(0);
      expect(internetChecksum(message.subarray(20))).toBe(0);
      expect([...message.subarray(12, 20)]).toEqual([10, 0, 2, 7, 10, 0, 1, 5]);
      expect([message[9], message[20], message[21], message.readUInt16BE(26)]).toEqual([
        1,
        3,
        4,
        innerRoom(1300),
      ]);
      // RFC 1812 §4.3.2.3: as much of the packet as 576 bytes hold.
      expect(message.length).toBe(576);
      expect(message.subarray(28)).toEqual(Buffer.from(packet.subarray(0, 548)));
      expect(end.site.drops()).toEqual({ 'outbound-too-big': 1 });
    });

    test('RFC 4301 §8.2.1: IPv6 is answered with packet too big', () => {
      const end = narrow(1400);
      const packet = udpPacket(IPV6, { data: pattern(1400 - 48) });
      expect(end.send(packet)).toEqual([]);
      const message = oneFrame(end);
      expect(message.length).toBe(1280);
      expect(message.readUInt16BE(4)).toBe(1240);
      const pseudo = Buffer.concat([
        message.subarray(8, 40),
        Buffer.of(0, 0, 1240 >> 8, 1240 & 255, 0, 0, 0, 58),
      ]);
      expect(internetChecksum(pseudo, message.subarray(40))).toBe(0);
      expect([message[6], message[40], message[41], message.readUInt32BE(44)]).toEqual([
        58,
        2,
        0,
        innerRoom(1400),
      ]);
      expect(message.subarray(8, 24)).toEqual(Buffer.from(packet.subarray(24, 40)));
      expect(message.subarray(24, 40)).toEqual(Buffer.from(packet.subarray(8, 24)));
      expect(message.subarray(48)).toEqual(Buffer.from(packet.subarray(0, 1232)));
    });

    test('RFC 8200 §5: IPv6 is never told less than 1280, and what has 1280 bytes is fragmented outside', () => {
      const end = narrow(1300);
      end.send(udpPacket(IPV6, { data: pattern(1400 - 48) }));
      expect(oneFrame(end).readUInt32BE(44)).toBe(1280);
      const [left] = end.send(udpPacket(IPV6, { data: pattern(1280 - 48) }));
      expect(left?.inner.length).toBe(1280);
      expect(left?.dontFragment).toBe(false);
    });

    test('RFC 4301 §8.2.1: a TCP super-packet with too long segments is refused whole', () => {
      const end = narrow();
      const bytes = tcpPacket({ ...IPV4, fragment: DF }, { data: pattern(5000) });
      expect(end.send(bytes, { gsoType: 1, segmentSize: 1360 })).toEqual([]);
      expect(oneFrame(end).readUInt16BE(26)).toBe(innerRoom(1300));
      expect(end.send(bytes, { gsoType: 1, segmentSize: 1100 })).toHaveLength(5);
    });

    test('RFC 1812 §4.3.2.8: messages have a bounded rate', () => {
      const end = narrow();
      for (let i = 0; i < 300; i++) end.send(ofSize(1400));
      expect(end.site.frames.splice(0)).toHaveLength(50);
      passTime(end, 100);
      for (let i = 0; i < 300; i++) end.send(ofSize(1400));
      expect(end.site.frames.splice(0)).toHaveLength(10);
      expect(end.site.drops()).toEqual({ 'outbound-too-big': 600 });
    });

    const icmpOfType = (type: number): Uint8Array =>
      ipPacket({
        ...IPV4,
        fragment: DF,
        protocol: 1,
        payload: Buffer.concat([Buffer.of(type, 0, 0, 0, 0, 0, 0, 0), answerTo(IPV4)]),
      });
    /** What an ICMP error quotes: a packet that came the other way (RFC 4301 §6.2). */
    const answerTo = ({ source, destination }: typeof IPV4): Buffer =>
      Buffer.from(udpPacket({ source: destination, destination: source }, { data: pattern(1330) }));
    test.each<[string, Uint8Array]>([
      ['an ICMP error', icmpOfType(3)],
      ['a later fragment', ipPacket({ ...IPV4, fragment: DF | 100, protocol: 17, payload: pattern(1400) })],
      [
        'a packet to a multicast group',
        udpPacket({ ...IPV4, destination: '239.1.1.1', fragment: DF }, { data: pattern(1400) }),
      ],
      [
        'a packet from nobody',
        udpPacket({ ...IPV4, source: '0.0.0.0', fragment: DF }, { data: pattern(1400) }),
      ],
      [
        'an ICMPv6 error',
        ipPacket({
          ...IPV6,
          protocol: 58,
          payload: Buffer.concat([Buffer.of(1, 0, 0, 0, 0, 0, 0, 0), answerTo(IPV6)]),
        }),
      ],
      ['an IPv6 packet from nobody', ipPacket({ ...IPV6, source: '::', payload: pattern(1400) })],
    ])('RFC 1812 §4.3.2.7, RFC 4443 §2.4 (e): no message about %s', (_, packet) => {
      const end = narrow();
      // Groups are for policies that name them.
      const groups = { ...ANY, remoteAddress: [prefix('224.0.0.0/4')] };
      usePolicies(end.site, [policy('groups', { selectors: groups }), policy('tunnel')], 3);
      installPair(end.site, {
        policy: 'groups',
        selectors: groups,
        outboundSpi: 0x1003,
        inboundSpi: 0x2003,
        outboundSeed: 3,
        inboundSeed: 4,
      });
      expect(end.send(packet)).toEqual([]);
      expect(end.site.frames).toEqual([]);
      expect(end.site.drops()).toEqual({ 'outbound-too-big': 1 });
    });

    test('RFC 792: a message about an echo request is sent', () => {
      const end = narrow();
      end.send(icmpOfType(8));
      expect(end.site.frames).toHaveLength(1);
    });

    /** Puts the payloads of fragments together; their headers must agree. */
    function reassemble(fragments: readonly Uint8Array[]): Buffer {
      const payload = Buffer.alloc(65_535);
      let end = 0;
      for (const fragment of fragments) {
        const bytes = Buffer.from(fragment);
        expect(bytes.readUInt16BE(2)).toBe(bytes.length);
        const headerLength = (bytes[0]! & 15) * 4;
        expect(internetChecksum(bytes.subarray(0, headerLength))).toBe(0);
        const word = bytes.readUInt16BE(6);
        const offset = (word & 0x1fff) * 8;
        expect(word & DF).toBe(0);
        expect(offset).toBe(end);
        expect(word & 0x2000).toBe(fragment === fragments.at(-1) ? 0 : 0x2000);
        bytes.copy(payload, offset, headerLength);
        end = offset + bytes.length - headerLength;
      }
      return payload.subarray(0, end);
    }

    test.each([1241, 2000, 9000, 60_000])(
      'RFC 4301 §8.2.1: IPv4 of %i bytes without DF leaves as fragments inside',
      (size) => {
        const end = narrow();
        const packet = ofSize(size, 0);
        const left = end.send(packet);
        expect(left.length).toBe(Math.ceil((size - 20) / ((innerRoom(1300) - 20) & ~7)));
        expect(Math.max(...left.map(({ length }) => length))).toBeLessThanOrEqual(1272);
        expect(reassemble(left.map(({ inner }) => inner))).toEqual(Buffer.from(packet.subarray(20)));
        expect(left.map(({ inner }) => Buffer.from(inner).readUInt16BE(4))).toEqual(left.map(() => 77));
        expect(left.map(({ sequence }) => sequence)).toEqual(left.map((_, i) => i + 1));
        expect(end.site.drops()).toEqual({});
      },
    );

    test('RFC 791 §3.2: options with the copied bit stand in every fragment, the others in the first', () => {
      const routerAlert = Uint8Array.of(0x94, 4, 0, 0);
      const timestamp = Uint8Array.of(0x44, 8, 5, 0, 0, 0, 0, 0);
      const options = Buffer.concat([timestamp, routerAlert]);
      const packet = ipPacket({ ...IPV4, options, payload: pattern(3000) });
      const [first, ...others] = narrow()
        .send(packet)
        .map(({ inner }) => Buffer.from(inner));
      expect(first?.subarray(20, 32)).toEqual(options);
      expect(others).toHaveLength(2);
      for (const other of others) {
        expect(other[0]).toBe(0x46);
        expect(other.subarray(20, 24)).toEqual(Buffer.from(routerAlert));
      }
    });

    test('RFC 791 §3.2: a fragment can be cut again', () => {
      const payload = pattern(2400);
      const middle = ipPacket({ ...IPV4, fragment: 0x2000 | 50, protocol: 17, payload });
      const left = narrow(1300)
        .send(middle)
        .map(({ inner }) => Buffer.from(inner));
      const words = left.map((bytes) => bytes.readUInt16BE(6));
      expect(words.map((word) => word & 0x2000)).toEqual([0x2000, 0x2000]);
      expect(words.map((word) => word & 0x1fff)).toEqual([50, 50 + (((innerRoom(1300) - 20) & ~7) >> 3)]);
      expect(Buffer.concat(left.map((bytes) => bytes.subarray(20)))).toEqual(Buffer.from(payload));
    });

    test('RFC 1071: a partial checksum is completed before the packet is cut', () => {
      const end = narrow();
      const packet = Buffer.from(ofSize(3000, 0));
      const whole = Buffer.from(packet.subarray(20));
      const pseudo = Buffer.concat([
        packet.subarray(12, 20),
        Buffer.of(0, 17, whole.length >> 8, whole.length & 255),
      ]);
      packet.writeUInt16BE(~internetChecksum(pseudo) & 0xffff, 26);
      end.site.devices.pushFrame({ bytes: packet, flags: 1, checksumStart: 20, checksumOffset: 6 });
      end.site.path.turn();
      expect(reassemble(end.sent().map(({ inner }) => inner))).toEqual(whole);
    });

    test('RFC 4301 §8.2.1: long segments of a UDP super-packet without DF are cut one by one', () => {
      const end = narrow();
      const left = end.send(ofSize(28 + 4200, 0), { gsoType: 5, segmentSize: 1400 });
      expect(left).toHaveLength(6);
      for (const at of [0, 2, 4]) {
        const datagram = reassemble(left.slice(at, at + 2).map(({ inner }) => inner));
        const expected = pattern(4200).subarray(700 * at, 700 * (at + 2));
        expect(datagram.subarray(8)).toEqual(Buffer.from(expected));
        const pseudo = Buffer.concat([
          Buffer.from(left[at]!.inner.subarray(12, 20)),
          Buffer.of(0, 17, 1408 >> 8, 1408 & 255),
        ]);
        expect(internetChecksum(pseudo, datagram)).toBe(0);
      }
    });

    test('RFC 4303 §3.3.4, RFC 4301 §7: with ports in the selectors the fragments are outside', () => {
      const selectors = { ...ANY, protocol: 17, remotePort: [{ first: 0, last: 65_535 }] };
      const [left, ...others] = narrow(1300, { selectors }).send(ofSize(3000, 0));
      expect(others).toEqual([]);
      expect(left?.inner.length).toBe(3000);
      expect(left?.dontFragment).toBe(false);
    });

    test('RFC 9293 §3.7.1: the MSS follows the path MTU in both directions', () => {
      const end = narrow();
      const options = Uint8Array.of(2, 4, 1460 >> 8, 1460 & 255);
      const mssOf = (bytes: Uint8Array | undefined): number => Buffer.from(bytes ?? []).readUInt16BE(42);
      const expected = innerRoom(1300) - 40;
      expect(mssOf(end.send(tcpPacket(IPV4, { flags: 2, options }))[0]?.inner)).toBe(expected);
      const back = { source: IPV4.destination, destination: IPV4.source };
      const inner = tcpPacket(back, { flags: 0x12, options });
      expect(mssOf(end.arrive({ sequence: 1, inner })[0])).toBe(expected);
    });
  });
});
