import { describe, expect, test } from 'vitest';
import { clampMss } from '../../../src/dataplane/mss-clamp.ts';
import { tcpPacket } from '../../support/packets.ts';

const SYN = 0x02;
const SYN_ACK = 0x12;
const ACK = 0x10;
const IPV4 = { source: '10.0.0.1', destination: '10.0.0.2' };
const IPV6 = { source: 'fd00::1', destination: 'fd00::2' };
const mss = (value: number): number[] => [2, 4, value >> 8, value & 0xff];

function clamp(packet: Uint8Array, innerMtu: number, partial = false): void {
  const family = (packet[0] ?? 0) >> 4;
  clampMss(packet, family === 4 ? 20 : 40, packet.length, family, innerMtu, partial);
}

describe.each([
  ['IPv4', IPV4, 1438 - 40],
  ['IPv6', IPV6, 1438 - 60],
])('%s', (_, ip, limit) => {
  test.each([
    ['SYN', SYN, mss(1460)],
    ['SYN-ACK', SYN_ACK, mss(1460)],
    ['option behind others', SYN, [4, 2, ...mss(1460), 1, 1]],
    ['option at an odd offset', SYN, [1, ...mss(1460), 1, 1, 0]],
  ])('%s is clamped and its checksum stays right', (_name, flags, options) => {
    const packet = tcpPacket(ip, { flags, options: Uint8Array.from(options), data: Uint8Array.of(1, 2, 3) });
    const wanted = options.join().replace('2,4,5,180', mss(limit).join());
    clamp(packet, 1438);
    // Built again from scratch with the clamped option, so the checksum is an independent one.
    const expected = tcpPacket(ip, {
      flags,
      options: Uint8Array.from(wanted.split(',').map(Number)),
      data: Uint8Array.of(1, 2, 3),
    });
    expect(Buffer.from(packet)).toEqual(Buffer.from(expected));
  });

  test('a partial checksum does not cover the option and stays', () => {
    const packet = tcpPacket(ip, { flags: SYN, options: Uint8Array.from(mss(1460)) });
    const at = packet.length - 8;
    const before = packet.slice(at, at + 2);
    clamp(packet, 1438, true);
    expect(packet.subarray(at, at + 2)).toEqual(before);
    expect([...packet.subarray(-4)]).toEqual(mss(limit));
  });

  test.each([
    ['a small MSS', SYN, mss(500)],
    ['a segment without SYN', ACK, mss(1460)],
    ['an option that ends early', SYN, [2, 3, 5, 180]],
    ['an option of length 0', SYN, [3, 0, ...mss(1460), 0, 0]],
    ['an option cut off by the header', SYN, [1, 1, 1, 2]],
    ['no option', SYN, []],
    ['an MSS behind the end of options', SYN, [0, 0, 0, 0, ...mss(1460)]],
  ])('%s is left alone', (_name, flags, options) => {
    const packet = tcpPacket(ip, { flags, options: Uint8Array.from(options) });
    const before = Buffer.from(packet);
    clamp(packet, 1438);
    expect(Buffer.from(packet)).toEqual(before);
  });
});

test('a data offset behind the end of the packet reads nothing beyond it', () => {
  const packet = Buffer.from(tcpPacket(IPV4, { flags: SYN }));
  packet[32] = 0xf0;
  const room = Buffer.concat([packet, Buffer.from(mss(1460))]);
  clampMss(room, 20, packet.length, 4, 1438, false);
  expect([...room.subarray(-4)]).toEqual(mss(1460));
});
