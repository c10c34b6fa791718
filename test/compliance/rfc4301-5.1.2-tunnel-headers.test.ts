// RFC 4301 §5.1.2: what the outer header of a tunnel takes from the inner one, and what never changes inside.

import { describe, expect, test } from 'vitest';
import { ipPacket, udpPacket } from '../support/packets.ts';
import { createTunnelEnd } from '../support/tunnel-pair.ts';

const IPV4 = { source: '10.0.1.5', destination: '10.0.2.7' };
const IPV4_BACK = { source: '10.0.2.7', destination: '10.0.1.5' };
const IPV6 = { source: 'fd00:1::5', destination: 'fd00:2::7' };
const DF = 0x4000;
const EF_ECT_0 = (46 << 2) | 2;

describe.each(['native', 'portable'] as const)('%s engine', (engine) => {
  test.each([
    ['IPv4', IPV4],
    ['IPv6', IPV6],
  ])('RFC 4301 §5.1.2.1, §5.1.2.2: DSCP of the outer header is copied from inner %s', (_, ends) => {
    const [left] = createTunnelEnd(engine).send(ipPacket({ ...ends, trafficClass: EF_ECT_0 }));
    expect(left?.trafficClass).toBe(EF_ECT_0);
  });

  test.each([0, 10, 46, 63])(
    'RFC 4301 §5.1.2.1, SAD row "DSCP values": a fixed DSCP %i stands outside, ECN is still copied',
    (dscp) => {
      const [left] = createTunnelEnd(engine, { tunnel: { dscp } }).send(
        ipPacket({ ...IPV4, trafficClass: EF_ECT_0 }),
      );
      expect(left?.trafficClass).toBe((dscp << 2) | 2);
      expect(left?.inner[1]).toBe(EF_ECT_0);
    },
  );

  test('RFC 4301 §5.1.2.1: on decapsulation the inner DSCP stays (RFC 2983 §4.2)', () => {
    const packet = ipPacket({ ...IPV4_BACK, trafficClass: 0x28 });
    const [frame] = createTunnelEnd(engine).arrive({ sequence: 1, inner: packet }, 0xb8);
    expect(Buffer.from(frame ?? [])).toEqual(Buffer.from(packet));
  });

  test.each([
    ['copy', DF, true],
    ['copy', 0, false],
    ['set', 0, true],
    ['set', DF, true],
    ['clear', DF, false],
    ['clear', 0, false],
  ] as const)('RFC 4301 §8.1, SAD row "DF bit": %s with inner word %i', (df, fragment, expected) => {
    const [left] = createTunnelEnd(engine, { tunnel: { df } }).send(ipPacket({ ...IPV4, fragment }));
    expect(left?.dontFragment).toBe(expected);
  });

  test.each([
    ['copy', true],
    ['set', true],
    ['clear', false],
  ] as const)('RFC 4301 §8.1: inner IPv6 counts as DF set, with df %s', (df, expected) => {
    const [left] = createTunnelEnd(engine, { tunnel: { df } }).send(ipPacket(IPV6));
    expect(left?.dontFragment).toBe(expected);
  });

  test('RFC 4301 §8.1: packets with and without DF do not share a train', () => {
    const end = createTunnelEnd(engine);
    for (const fragment of [DF, 0, DF, DF])
      end.site.devices.pushFrame({ bytes: ipPacket({ ...IPV4, fragment }) });
    end.site.path.turn();
    expect(end.sent().map(({ dontFragment }) => dontFragment)).toEqual([true, false, true, true]);
  });

  test('RFC 4301 §5.1.2: inner header, TTL, options and DSCP leave unchanged', () => {
    const options = Uint8Array.of(0x94, 4, 0, 0, 1, 1, 1, 0);
    const packet = ipPacket({
      ...IPV4,
      hopLimit: 17,
      options,
      trafficClass: 0x2e,
      payload: new Uint8Array(5),
    });
    const [left] = createTunnelEnd(engine).send(packet);
    expect(Buffer.from(left?.inner ?? [])).toEqual(Buffer.from(packet));
    expect(left?.nextHeader).toBe(4);
  });

  test('RFC 4301 §5.1.2: inner header, TTL and options arrive unchanged', () => {
    const options = Uint8Array.of(0x94, 4, 0, 0);
    const inner = ipPacket({ ...IPV4_BACK, hopLimit: 1, options, payload: new Uint8Array(5) });
    const [frame] = createTunnelEnd(engine).arrive({ sequence: 1, inner });
    expect(Buffer.from(frame ?? [])).toEqual(Buffer.from(inner));
  });

  test('RFC 4301 §4.4.1.2, RFC 4301 §5.1.2: every segment of a super-packet has the treatment of its SA', () => {
    const data = new Uint8Array(3000);
    const bytes = udpPacket({ ...IPV4, fragment: DF, trafficClass: 1 }, { data });
    const left = createTunnelEnd(engine, { tunnel: { dscp: 46 } }).send(bytes, {
      gsoType: 5,
      segmentSize: 1000,
    });
    expect(left.map(({ trafficClass, dontFragment }) => [trafficClass, dontFragment])).toEqual(
      Array.from({ length: 3 }, () => [(46 << 2) | 1, true]),
    );
  });
});
