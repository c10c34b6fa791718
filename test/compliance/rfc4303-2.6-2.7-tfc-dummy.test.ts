// RFC 4303 §2.6 and §2.7: dummy packets and traffic flow confidentiality padding, sent and received.

import { describe, expect, test } from 'vitest';
import { Counter } from '../../src/dataplane/counters.ts';
import { SaField } from '../../src/sad/sa-state.ts';
import { tcpPacket, udpPacket } from '../support/packets.ts';
import { createTunnelEnd, passTime } from '../support/tunnel-pair.ts';

const IPV4 = { source: '10.0.1.5', destination: '10.0.2.7' };
const IPV6 = { source: 'fd00:1::5', destination: 'fd00:2::7' };
const BACK = { source: '10.0.2.7', destination: '10.0.1.5' };
const BACK6 = { source: 'fd00:2::7', destination: 'fd00:1::5' };
/** Of the gateways in memory. */
const INNER_MTU = 1438;
/** ESP header, IV, trailer and ICV around bytes that end on a multiple of four. */
const sealed = (inner: number): number => 8 + 8 + ((inner + 2 + 3) & ~3) + 16;

describe.each(['native', 'portable'] as const)('%s engine', (engine) => {
  describe('padding', () => {
    test.each([
      [512, 28, 512],
      [512, 511, 512],
      [512, 512, 512],
      [512, 900, 900],
      ['mtu', 28, INNER_MTU],
      ['mtu', 1438, INNER_MTU],
      [5000, 28, INNER_MTU],
    ] as const)('RFC 4303 §2.7: padding to %s makes %i bytes %i', (tfcPaddedBytes, length, expected) => {
      const end = createTunnelEnd(engine, { tunnel: { tfcPaddedBytes } });
      const packet = udpPacket(IPV4, { data: new Uint8Array(length - 28).fill(7) });
      const [left] = end.send(packet);
      expect(left?.length).toBe(sealed(expected));
      expect(Buffer.from(left?.inner.subarray(0, length) ?? [])).toEqual(Buffer.from(packet));
      expect(left?.inner.length).toBe(expected);
      expect(left?.padding).toEqual(Buffer.from([1, 2, 3].slice(0, left?.padding.length)));
    });

    test('RFC 4303 §2.7: no byte of an earlier packet stands in the padding', () => {
      const end = createTunnelEnd(engine, { tunnel: { tfcPaddedBytes: 1000 } });
      end.send(udpPacket(IPV4, { data: new Uint8Array(900).fill(0xaa) }));
      const [left] = end.send(udpPacket(IPV4, { data: new Uint8Array(10).fill(0xaa) }));
      expect(left?.inner.subarray(38).every((byte) => byte === 0)).toBe(true);
    });

    test('RFC 4303 §2.7: every segment of a super-packet has one length', () => {
      const end = createTunnelEnd(engine, { tunnel: { tfcPaddedBytes: 'mtu' } });
      const left = end.send(tcpPacket(IPV4, { data: new Uint8Array(2500) }), {
        gsoType: 1,
        segmentSize: 1000,
      });
      expect(left.map(({ length }) => length)).toEqual(Array.from({ length: 3 }, () => sealed(INNER_MTU)));
    });

    test('RFC 4303 §2.7: padding never goes beyond the path MTU', () => {
      const end = createTunnelEnd(engine, { tunnel: { tfcPaddedBytes: 'mtu' } }, { pathMtu: 1000 });
      const [left] = end.send(udpPacket(IPV4));
      expect(left?.length).toBeLessThanOrEqual(1000 - 28);
      expect(left?.length).toBeGreaterThan(1000 - 28 - 4);
    });

    test.each([
      ['IPv4', BACK],
      ['IPv6', BACK6],
    ])('RFC 4303 §2.7: padding behind a received %s packet is taken off', (_, back) => {
      const end = createTunnelEnd(engine);
      const packet = udpPacket(back, { data: Uint8Array.of(1, 2, 3) });
      const padding = new Uint8Array(1000).fill(0x5a);
      const frames = end.arrive({ sequence: 1, inner: Buffer.concat([packet, padding]) });
      expect(frames.map((frame) => Buffer.from(frame))).toEqual([Buffer.from(packet)]);
    });
  });

  describe('dummy packets', () => {
    const dummies = { tunnel: { dummyPacketsPerSecond: 10 } };

    test('RFC 4303 §2.6: they leave at their rate while nothing else does, with next header 59', () => {
      const end = createTunnelEnd(engine, dummies);
      end.site.path.turn();
      end.sent();
      for (let i = 0; i < 100; i++) passTime(end, 50);
      const left = end.sent();
      expect(left.map(({ nextHeader }) => nextHeader)).toEqual(Array.from({ length: 50 }, () => 59));
      expect(end.site.counters[Counter.outboundDummies]).toBe(51);
      expect(end.site.counters[Counter.outboundPackets]).toBe(0);
      // RFC 4303 §2.6: the lengths should not tell them from others.
      const lengths = left.map(({ length }) => length);
      expect(new Set(lengths).size).toBeGreaterThan(20);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(sealed(INNER_MTU));
    });

    test('RFC 4303 §3.3.3: they take sequence numbers like all others', () => {
      const end = createTunnelEnd(engine, dummies);
      const numbers: number[] = [];
      for (let i = 0; i < 10; i++) {
        passTime(end, 100);
        numbers.push(...end.sent().map(({ sequence }) => sequence));
        numbers.push(...end.send(udpPacket(IPV6)).map(({ sequence }) => sequence));
      }
      expect(numbers).toEqual(numbers.map((_, i) => i + 1));
      expect(numbers).toHaveLength(20);
      expect(end.site.sad.outbound[0]?.state[SaField.sequence]).toBe(21);
    });

    test('RFC 4303 §2.6: none leaves while there is traffic', () => {
      const end = createTunnelEnd(engine, dummies);
      for (let i = 0; i < 50; i++) {
        end.site.clock.nowMs += 90;
        expect(end.send(udpPacket(IPV4)).map(({ nextHeader }) => nextHeader)).toEqual([4]);
      }
    });

    test('RFC 4303 §2.6: padded as the SA pads, they have its one length', () => {
      const end = createTunnelEnd(engine, { tunnel: { dummyPacketsPerSecond: 10, tfcPaddedBytes: 'mtu' } });
      for (let i = 0; i < 20; i++) passTime(end, 100);
      expect(new Set(end.sent().map(({ length }) => length))).toEqual(new Set([sealed(INNER_MTU)]));
    });

    test('RFC 4303 §3.3.3: without reserved numbers none leaves', () => {
      const end = createTunnelEnd(engine, { ...dummies, block: { first: 1, end: 3 } });
      for (let i = 0; i < 10; i++) passTime(end, 100);
      expect(end.sent()).toHaveLength(2);
      expect(end.site.drops()['outbound-sequence-exhausted']).toBe(8);
    });

    test('RFC 4303 §2.6: a received one moves the window and goes no further, whatever it holds', () => {
      const end = createTunnelEnd(engine);
      const inner = udpPacket(BACK);
      expect(end.arrive({ sequence: 5, inner, nextHeader: 59 })).toEqual([]);
      expect(end.arrive({ sequence: 6, inner: new Uint8Array(0), nextHeader: 59 })).toEqual([]);
      expect(end.site.drops()).toEqual({ 'inbound-dummy': 2 });
      expect(end.arrive({ sequence: 5, inner })).toEqual([]);
      expect(end.site.drops()).toEqual({ 'inbound-dummy': 2, 'inbound-replay': 1 });
    });
  });
});
