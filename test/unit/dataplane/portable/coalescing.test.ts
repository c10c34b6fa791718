// Every rule by which packets are joined or kept apart; each case is a sequence of packets and the frames it becomes.

import { describe, expect, it } from 'vitest';
import { GsoType, InnerPacket } from '../../../../src/dataplane/batch-memory.ts';
import { createPortableEngine } from '../../../../src/dataplane/portable/portable-engine.ts';
import { EngineBatch } from '../../../support/engine-batch.ts';
import { echoRequest, ipPacket, tcpPacket, udpPacket, type PacketFields } from '../../../support/packets.ts';
import { cutSuperPacket, layoutOf, mended } from '../../../support/super-packets.ts';

const IPV4 = { source: '10.0.1.2', destination: '10.0.2.3', fragment: 0x4000 };
const IPV6 = { source: 'fd00:1::2', destination: 'fd00:2::3' };
const PSH_ACK = 0x18;
const TCP_TIMESTAMP = Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8);

type Ip = Omit<PacketFields, 'protocol' | 'payload'>;

const data = (length: number, seed = 0): Uint8Array => Uint8Array.from({ length }, (_, i) => seed + i);

/** Segments of one TCP flow, one behind the other, `sizes` bytes each. */
function tcpRun(sizes: readonly number[], ip: Ip = IPV4, port = 80, options = TCP_TIMESTAMP): Uint8Array[] {
  let sequence = 0xffff_ff00;
  return sizes.map((size, i) => {
    const packet = tcpPacket(ip, { sequence, destinationPort: port, options, data: data(size, i) });
    sequence = (sequence + size) % 2 ** 32;
    return packet;
  });
}

function udpRun(sizes: readonly number[], ip: Ip = IPV4, port = 53): Uint8Array[] {
  return sizes.map((size, i) => udpPacket(ip, { destinationPort: port, data: data(size, i) }));
}

/** Packets by name: every run above has as many as it was asked for. */
function two(packets: readonly Uint8Array[]): [Uint8Array, Uint8Array] {
  return [packets[0]!, packets[1]!];
}

function three(packets: readonly Uint8Array[]): [Uint8Array, Uint8Array, Uint8Array] {
  return [packets[0]!, packets[1]!, packets[2]!];
}

/** A copy with one byte changed and the checksums made right again. */
function changed(packet: Uint8Array, at: number, value: number): Buffer {
  const copy = Buffer.from(packet);
  copy[at] = value;
  return mended(copy);
}

function coalesce(
  packets: readonly Uint8Array[],
  options = { coalesceTcp: true, coalesceUdp: true },
): ReturnType<EngineBatch['coalesce']> {
  return new EngineBatch((memory) => createPortableEngine(memory, options)).coalesce(packets);
}

/** How many packets each frame holds. */
const shape = (packets: readonly Uint8Array[]): number[] => coalesce(packets).map(({ vectors }) => vectors);

describe('a group', () => {
  it.each([
    ['TCP over IPv4', tcpRun([100, 100, 37]), GsoType.tcp4, 52, 20, 16],
    ['TCP over IPv6', tcpRun([100, 100, 37], IPV6), GsoType.tcp6, 72, 40, 16],
    ['UDP over IPv4', udpRun([101, 101, 101]), GsoType.udpL4, 28, 20, 6],
    ['UDP over IPv6', udpRun([101, 101, 7], IPV6), GsoType.udpL4, 48, 40, 6],
  ])(
    'of %s becomes a super-packet that cuts into the same packets',
    (_name, packets, gsoType, headers, start, offset) => {
      const [frame, ...others] = coalesce(packets);
      expect(others).toEqual([]);
      expect(frame).toMatchObject({
        vectors: 3,
        flags: 1,
        gsoType,
        headerLength: headers,
        segmentSize: packets[0]!.length - headers,
        checksumStart: start,
        checksumOffset: offset,
      });
      // With DF the identification means nothing; cutting makes it rise.
      const cut = cutSuperPacket(frame?.bytes ?? new Uint8Array(), frame?.segmentSize ?? 0);
      const expected = packets.map((packet, i) => {
        const copy = Buffer.from(packet);
        if (!layoutOf(copy).isIpv6) copy.writeUInt16BE(1 + i, 4);
        return mended(copy);
      });
      expect(cut).toEqual(expected);
    },
  );

  it('carries the pseudo-header sum of its new length, not complemented', () => {
    const [frame] = coalesce(udpRun([4, 4]));
    const bytes = Buffer.from(frame?.bytes ?? []);
    const words = [0x0a00, 0x0102, 0x0a00, 0x0203, 17, 16];
    expect(bytes.readUInt16BE(2)).toBe(36);
    expect(bytes.readUInt16BE(24)).toBe(16);
    expect(bytes.readUInt16BE(26)).toBe(words.reduce((sum, word) => sum + word));
  });

  it('of one packet stays as it came', () => {
    const packet = tcpPacket(IPV4, { data: data(9), flags: PSH_ACK });
    expect(coalesce([packet])).toEqual([
      {
        bytes: Buffer.from(packet),
        vectors: 1,
        flags: 0,
        gsoType: 0,
        headerLength: 0,
        segmentSize: 0,
        checksumStart: 0,
        checksumOffset: 0,
      },
    ]);
  });

  it('ends behind a packet with PSH, and says PSH', () => {
    const [a, b, c] = three(tcpRun([50, 50, 50]));
    const [frame, last] = coalesce([a, changed(b, 33, PSH_ACK), c]);
    expect(frame?.vectors).toBe(2);
    expect(frame?.bytes[33]).toBe(PSH_ACK);
    expect(last?.vectors).toBe(1);
    expect(shape([changed(a, 33, PSH_ACK), b, c])).toEqual([1, 2]);
  });

  it('ends behind a short packet and takes no longer one', () => {
    expect(shape(tcpRun([50, 40, 40]))).toEqual([2, 1]);
    expect(shape(tcpRun([40, 50, 50]))).toEqual([1, 2]);
    expect(shape(udpRun([50, 40, 40]))).toEqual([2, 1]);
    expect(shape(udpRun([40, 50, 50]))).toEqual([1, 2]);
  });

  it('of UDP has at most 64 packets', () => {
    expect(shape(udpRun(new Array<number>(65).fill(3)))).toEqual([64, 1]);
    expect(shape(tcpRun(new Array<number>(65).fill(3)))).toEqual([65]);
  });

  it('has at most 65 535 bytes, headers included', () => {
    // 52 bytes of headers leave room for 65 483 bytes of payload.
    expect(shape(tcpRun([...new Array<number>(46).fill(1400), 65_483 - 46 * 1400]))).toEqual([47]);
    expect(shape(tcpRun([...new Array<number>(46).fill(1400), 65_484 - 46 * 1400]))).toEqual([46, 1]);
    expect(shape(tcpRun([...new Array<number>(46).fill(1400), 65_463 - 46 * 1400], IPV6))).toEqual([47]);
    expect(shape(tcpRun([...new Array<number>(46).fill(1400), 65_464 - 46 * 1400], IPV6))).toEqual([46, 1]);
  });
});

describe('a TCP packet is kept apart', () => {
  const [first, second] = two(tcpRun([60, 60]));
  const joined = [first, second];

  it('from nothing, to begin with', () => {
    expect(shape(joined)).toEqual([2]);
  });

  it.each<[string, number, number]>([
    ['traffic class', 1, 4],
    ['DF', 6, 0],
    ['reserved bit', 6, 0xc0],
    ['time to live', 8, 63],
    ['sequence number', 27, 0x3d],
    ['acknowledgment number', 31, 2],
    ['window', 35, 1],
    ['urgent pointer', 39, 1],
    ['options', 47, 10],
    ['source port', 21, 1],
    ['destination address', 19, 4],
  ])('by another %s', (_name, at, value) => {
    expect(first[at]).not.toBe(value);
    expect(shape([first, changed(second, at, value)])).toEqual([1, 1]);
  });

  it.each<[string, number]>([
    ['FIN', 0x11],
    ['SYN', 0x12],
    ['RST', 0x14],
    ['URG', 0x30],
    ['ECE', 0x50],
    ['CWR', 0x90],
    ['no ACK', 0x00],
    ['PSH without ACK', 0x08],
  ])('by %s, and closes its group', (_name, flags) => {
    const [a, b, c] = three(tcpRun([60, 60, 60]));
    expect(shape([a, changed(b, 33, flags), c])).toEqual([1, 1, 1]);
  });

  it('by a reserved bit', () => {
    expect(shape([first, changed(second, 32, second[32]! | 1)])).toEqual([1, 1]);
  });

  it('by other options of another length', () => {
    const [, longer] = two(tcpRun([60, 60], IPV4, 80, Uint8Array.of(...TCP_TIMESTAMP, 1, 1, 1, 1)));
    expect(shape([first, longer])).toEqual([1, 1]);
  });

  it('by a wrong checksum', () => {
    const broken = Uint8Array.from(second);
    broken[60] = broken[60]! ^ 1;
    expect(shape([first, broken])).toEqual([1, 1]);
    const brokenFirst = Uint8Array.from(first);
    brokenFirst[60] = brokenFirst[60]! ^ 1;
    expect(shape([brokenFirst, second])).toEqual([1, 1]);
  });

  // The checksum itself, and an identification that DF makes meaningless.
  it.each([5, 10, 11])('by a wrong IPv4 header checksum, which stays wrong (byte %i)', (at) => {
    for (const packets of [tcpRun([60, 60, 60, 60]), udpRun([60, 60, 60, 60])]) {
      for (const [position, frames] of [
        [0, [1, 3]],
        [2, [2, 1, 1]],
      ] as const) {
        const sent = packets.map((packet) => Uint8Array.from(packet));
        const broken = sent[position]!;
        broken[at] = broken[at]! ^ 0x40;
        expect(shape(sent)).toEqual(frames);
        expect(coalesce(sent)[position === 0 ? 0 : 1]).toMatchObject({
          bytes: Buffer.from(broken),
          flags: 0,
        });
      }
    }
  });

  it('by having no payload', () => {
    const empty = tcpPacket(IPV4, { sequence: 0xffff_ff3c, options: TCP_TIMESTAMP });
    expect(shape([first, empty, second])).toEqual([1, 1, 1]);
  });

  it.each<[string, number, number]>([
    ['traffic class', 0, 0x61],
    ['flow label', 3, 1],
    ['hop limit', 7, 63],
    ['source address', 23, 9],
  ])('by another IPv6 %s', (_name, at, value) => {
    const [a, b] = two(tcpRun([60, 60], IPV6));
    expect(shape([a, b])).toEqual([2]);
    expect(shape([a, changed(b, at, value)])).toEqual([1, 1]);
  });
});

describe('the IPv4 identification', () => {
  const withIds = (fragment: number, ids: readonly number[]): Uint8Array[] =>
    udpRun(ids.map(() => 20)).map((packet, i) => {
      const copy = Buffer.from(packet);
      copy.writeUInt16BE(fragment, 6);
      copy.writeUInt16BE(ids[i] ?? 0, 4);
      return mended(copy);
    });

  it('must rise by one where DF is clear, across 65 535 too', () => {
    expect(shape(withIds(0, [0xfffe, 0xffff, 0, 1]))).toEqual([4]);
    expect(shape(withIds(0, [5, 6, 8]))).toEqual([2, 1]);
    expect(shape(withIds(0, [5, 5]))).toEqual([1, 1]);
  });

  it('does not matter where DF is set (RFC 6864 §4.1)', () => {
    expect(shape(withIds(0x4000, [5, 5, 99]))).toEqual([3]);
  });
});

describe('a UDP packet is kept apart', () => {
  it('by having no checksum', () => {
    const [a, withChecksum, c] = three(udpRun([20, 20, 20]));
    const b = Buffer.from(withChecksum);
    b.writeUInt16BE(0, 26);
    expect(shape([a, b, c])).toEqual([1, 1, 1]);
  });

  it('by a wrong checksum, an empty payload or another port', () => {
    const [a, b] = two(udpRun([20, 20]));
    const broken = Buffer.from(b);
    broken[30] = broken[30]! ^ 1;
    expect(shape([a, b])).toEqual([2]);
    expect(shape([a, broken])).toEqual([1, 1]);
    expect(shape([a, ...udpRun([0]), b])).toEqual([1, 1, 1]);
    expect(shape([a, ...udpRun([20], IPV4, 54), b])).toEqual([2, 1]);
  });
});

describe('order', () => {
  it('is that of the first packets, with the payloads of a flow in a row', () => {
    const a = tcpRun([30, 30, 30], IPV4, 1);
    const b = tcpRun([30, 30, 30], IPV4, 2);
    const frames = coalesce([a[0]!, b[0]!, b[1]!, a[1]!, b[2]!, a[2]!]);
    expect(frames.map(({ vectors }) => vectors)).toEqual([3, 3]);
    expect(Buffer.from(frames[0]!.bytes).readUInt16BE(22)).toBe(1);
    expect([...frames[0]!.bytes.subarray(52)]).toEqual([...data(30, 0), ...data(30, 1), ...data(30, 2)]);
  });

  it.each([
    ['a fragment', ipPacket({ ...IPV4, protocol: 17, fragment: 0x2000, payload: data(40) })],
    ['IPv4 options', tcpPacket({ ...IPV4, options: Uint8Array.of(1, 1, 1, 1) }, { data: data(8) })],
    ['another protocol', echoRequest(IPV4)],
    ['an IPv6 extension header', ipPacket({ ...IPV6, protocol: 60, payload: data(40) })],
    ['a wrong length', Buffer.concat([tcpPacket(IPV4, { data: data(8) }), data(1)])],
    ['a UDP length that is not the packet’s', ipPacket({ ...IPV4, protocol: 17, payload: data(20) })],
    [
      'a data offset beyond the packet',
      ipPacket({ ...IPV4, protocol: 6, payload: new Uint8Array(20).fill(0xf0) }),
    ],
    ['a data offset below five', ipPacket({ ...IPV4, protocol: 6, payload: new Uint8Array(20).fill(0x40) })],
    ['a version that is none', new Uint8Array(60)],
    ['nothing at all', new Uint8Array(0)],
    ['a single byte', Uint8Array.of(0x45)],
  ])('is kept around what is not understood: %s closes every group', (_name, strange) => {
    const a = tcpRun([30, 30], IPV4, 1);
    const b = tcpRun([30, 30], IPV4, 2);
    expect(shape([a[0]!, b[0]!, strange, a[1]!, b[1]!])).toEqual([1, 1, 1, 1, 1]);
    expect(coalesce([strange])[0]).toMatchObject({ bytes: Buffer.from(strange), flags: 0 });
  });

  it('has room for 16 flows; the oldest gives way to a 17th', () => {
    const runs = Array.from({ length: 17 }, (_, port) => tcpRun([30, 30], IPV4, 1000 + port));
    const firsts = runs.map((run) => run[0]!);
    const seconds = runs.map((run) => run[1]!);
    expect(shape([...firsts.slice(0, 16), ...seconds.slice(0, 16)])).toEqual(new Array<number>(16).fill(2));
    // Flow 0 gave way to flow 16; when it comes back, flow 1 gives way to it, and so on.
    expect(shape([...firsts, seconds[1]!, seconds[16]!, seconds[0]!])).toEqual([
      1,
      2,
      ...new Array<number>(14).fill(1),
      2,
      1,
    ]);
  });
});

describe('options', () => {
  const packets = [...tcpRun([30, 30]), ...udpRun([30, 30])];

  it('switch TCP and UDP off, each by itself', () => {
    const shapeWith = (coalesceTcp: boolean, coalesceUdp: boolean): number[] =>
      coalesce(packets, { coalesceTcp, coalesceUdp }).map(({ vectors }) => vectors);
    expect(shapeWith(true, true)).toEqual([2, 2]);
    expect(shapeWith(false, true)).toEqual([1, 1, 2]);
    expect(shapeWith(true, false)).toEqual([2, 1, 1]);
    expect(shapeWith(false, false)).toEqual([1, 1, 1, 1]);
  });
});

describe('descriptors', () => {
  it('throws for a packet outside the arena, and is whole again for the next batch', () => {
    const batch = new EngineBatch((memory) =>
      createPortableEngine(memory, { coalesceTcp: true, coalesceUdp: true }),
    );
    const packets = tcpRun([30, 30]);
    expect(batch.coalesce([])).toEqual([]);
    batch.coalesce(packets);
    batch.memory.innerPackets[InnerPacket.stride + InnerPacket.offset] = batch.memory.arena.length;
    expect(() => batch.engine.coalesce(2)).toThrow(/descriptor out of bounds/u);
    expect(() => batch.engine.coalesce(-1)).toThrow(/descriptor out of bounds/u);
    expect(batch.coalesce(packets).map(({ vectors }) => vectors)).toEqual([2]);
  });
});
