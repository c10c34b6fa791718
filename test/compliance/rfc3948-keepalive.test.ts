// RFC 3948 §4: NAT keepalives, by a clock of the test.

import { describe, expect, test } from 'vitest';
import { Counter } from '../../src/dataplane/counters.ts';
import { installPair, receive } from '../support/packet-path-link.ts';
import { udpPacket } from '../support/packets.ts';
import { createTunnelEnd, passTime, type TunnelEnd } from '../support/tunnel-pair.ts';

const IPV4 = { source: '10.0.1.5', destination: '10.0.2.7' };
const keepalive = { natKeepaliveMs: 20_000 };

function bytesSent({ site }: TunnelEnd): string[] {
  return site.datagrams.splice(0).map(({ bytes, port }) => `${Buffer.from(bytes).toString('hex')} ${port}`);
}

describe.each(['native', 'portable'] as const)('%s engine', (engine) => {
  test('RFC 3948 §2.3, §4: one byte 0xff leaves when nothing was sent for 20 s, and again after 20 s more', () => {
    const end = createTunnelEnd(engine, {}, keepalive);
    passTime(end, 19_999);
    expect(bytesSent(end)).toEqual([]);
    passTime(end, 1);
    expect(bytesSent(end)).toEqual(['ff 4500']);
    passTime(end, 19_999);
    expect(bytesSent(end)).toEqual([]);
    passTime(end, 1);
    expect(bytesSent(end)).toEqual(['ff 4500']);
    expect(end.site.counters[Counter.natKeepalivesSent]).toBe(2);
  });

  test('RFC 3948 §4: a packet that was sent puts it off', () => {
    const end = createTunnelEnd(engine, {}, keepalive);
    passTime(end, 15_000);
    expect(end.send(udpPacket(IPV4))).toHaveLength(1);
    passTime(end, 19_999);
    expect(bytesSent(end)).toEqual([]);
    passTime(end, 1);
    expect(bytesSent(end)).toEqual(['ff 4500']);
  });

  test('RFC 3948 §4: a packet that was received does not', () => {
    const end = createTunnelEnd(engine, {}, keepalive);
    passTime(end, 15_000);
    receive(end.site, Uint8Array.of(0xff));
    passTime(end, 5000);
    expect(bytesSent(end)).toEqual(['ff 4500']);
    expect(end.site.counters[Counter.natKeepalives]).toBe(1);
  });

  test('RFC 3948 §4: off sends none', () => {
    const end = createTunnelEnd(engine, {}, { natKeepaliveMs: 0 });
    passTime(end, 3_600_000);
    expect(bytesSent(end)).toEqual([]);
  });

  test('RFC 3948 §4: several SAs of one peer share one keepalive', () => {
    const end = createTunnelEnd(engine, {}, keepalive);
    installPair(end.site, { policy: 'second', outboundSpi: 0x1003, inboundSpi: 0x2004 });
    passTime(end, 20_000);
    expect(bytesSent(end)).toEqual(['ff 4500']);
  });

  test('RFC 3948 §4: the devices are told to wake in time', () => {
    const end = createTunnelEnd(engine, {}, keepalive);
    const clock = Float64Array.of(end.site.clock.nowMs);
    expect(end.site.path.tick(clock)).toBe(clock[0]! + 20_000);
  });
});
