// Random frames as a TUN may hand them over: what hosts send, what they should never send, and what no kernel says.

import type { TunFrame } from '../../src/dataplane/portable/memory-devices.ts';
import { echoRequest, icmpError, ipPacket, tcpPacket, udpPacket } from './packets.ts';
import { randomPacket } from './random-packets.ts';
import type { Random } from './random.ts';
import { layoutOf, withPartialChecksum } from './super-packets.ts';

/** Where a packet goes, and how: the parts that a policy looks at. */
export interface Ends {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

type Maker = (random: Random, ends: Ends) => TunFrame;

const GSO_TCP = { 4: 1, 6: 4 } as const;
const GSO_UDP = 5;
const NEEDS_CHECKSUM = 1;

const isIpv6 = ({ source }: Ends): boolean => source.includes(':');

/** Mostly short, so that a portable cipher does not take all the time; now and then a full one. */
function data(random: Random): Buffer {
  return random.bytes(random.oneIn(40) ? random.below(1300) : random.below(60));
}

function ip(random: Random, { source, destination }: Ends) {
  const trafficClass = random.oneIn(4) ? random.below(256) : 0;
  return { source, destination, trafficClass, identification: random.below(0x10000) };
}

const udp: Maker = (random, ends) => ({
  bytes: udpPacket(ip(random, ends), { ...ends, data: data(random) }),
});

const tcp: Maker = (random, ends) => {
  const flags = random.pick([0x10, 0x18, 0x11, 0x04]);
  return {
    bytes: tcpPacket(ip(random, ends), { ...ends, flags, sequence: random.uint32(), data: data(random) }),
  };
};

const syn: Maker = (random, ends) => {
  const mss = random.pick([1460, 1440, 9000, 536]);
  const option = Buffer.of(2, 4, mss >> 8, mss & 0xff);
  const options = random.pick([option, Buffer.concat([Buffer.of(1), option, Buffer.of(1, 1, 0)])]);
  const bytes = tcpPacket(ip(random, ends), { ...ends, flags: random.pick([2, 0x12]), options });
  return random.oneIn(2) ? { bytes } : partialChecksum(bytes);
};

function partialChecksum(bytes: Uint8Array): TunFrame {
  const { networkHeaderLength, isTcp } = layoutOf(bytes);
  const checksum = { checksumStart: networkHeaderLength, checksumOffset: isTcp ? 16 : 6 };
  return { bytes: withPartialChecksum(bytes), flags: NEEDS_CHECKSUM, ...checksum };
}

/** Segments are short: each costs as much as a packet. */
const superPacket =
  (make: 'tcp' | 'udp'): Maker =>
  (random, ends) => {
    const segmentSize = random.between(8, 60);
    const payload = random.bytes(segmentSize * random.between(1, 12) + random.below(segmentSize));
    const fields = {
      ...ends,
      data: payload,
      sequence: random.uint32(),
      flags: random.pick([0x10, 0x18, 0x99]),
    };
    const whole = make === 'tcp' ? tcpPacket(ip(random, ends), fields) : udpPacket(ip(random, ends), fields);
    const gsoType = make === 'udp' ? GSO_UDP : GSO_TCP[isIpv6(ends) ? 6 : 4];
    return { ...partialChecksum(whole), gsoType, segmentSize, headerLength: random.pick([0, 40, 54]) };
  };

/** IPv4 options, IPv6 destination options, TCP options. */
const options: Maker = (random, ends) => {
  const shape = {
    isIpv6: isIpv6(ends),
    isTcp: random.oneIn(2),
    payloadLength: random.below(40),
    withOptions: true,
  };
  return { bytes: randomPacket(random, shape) };
};

const EXTENSIONS = { hopByHop: 0, routing: 43, fragment: 44, authentication: 51, destination: 60 } as const;

/** A chain of extension headers before UDP; for IPv4 an authentication header. */
const extensionHeaders: Maker = (random, ends) => {
  const chain = Array.from({ length: random.between(1, 4) }, () => random.pick(Object.values(EXTENSIONS)));
  const upper = Buffer.concat([random.bytes(8), data(random)]);
  const next = random.pick([6, 17, 58, 59]);
  const payload = chain.reduceRight((after, protocol, index) => {
    const header = random.bytes(8 * random.between(1, 2));
    header[0] = index === chain.length - 1 ? next : (chain[index + 1] ?? next);
    header[1] = protocol === EXTENSIONS.authentication ? header.length / 4 - 2 : header.length / 8 - 1;
    if (protocol === EXTENSIONS.fragment) header.writeUInt16BE(random.oneIn(2) ? 1 : 0x99, 2);
    return Buffer.concat([header, after]);
  }, upper);
  return { bytes: ipPacket({ ...ip(random, ends), protocol: chain[0] ?? next, payload }) };
};

const fragment: Maker = (random, ends) => {
  const isFirst = random.oneIn(2);
  if (!isIpv6(ends)) {
    const offset = isFirst ? 0x2000 : random.pick([0x2000, 0]) | random.between(1, 0x1fff);
    const payload = Buffer.concat([udpPacket(ip(random, ends), ends).subarray(20), data(random)]);
    return {
      bytes: ipPacket({ ...ip(random, ends), protocol: random.pick([6, 17, 1]), fragment: offset, payload }),
    };
  }
  const header = random.bytes(8);
  header[0] = 17;
  header.writeUInt16BE(isFirst ? 1 : random.between(1, 0x1fff) << 3, 2);
  const payload = Buffer.concat([header, udpPacket(ip(random, ends), ends).subarray(40), data(random)]);
  return { bytes: ipPacket({ ...ip(random, ends), protocol: 44, payload }) };
};

/** First and later fragments of few packets, so that some belong together; TCP's may begin too early or be too short. */
const pairedFragment: Maker = (random, ends) => {
  const identification = random.below(3);
  const isTcp = random.oneIn(4);
  const protocol = isTcp ? 6 : 17;
  const upper = (isTcp ? tcpPacket(ends, ends) : udpPacket(ends, ends)).subarray(isIpv6(ends) ? 40 : 20);
  const first = Buffer.concat([upper, random.bytes(40)]).subarray(0, isTcp ? random.pick([8, 32]) : 32);
  const isFirst = random.oneIn(2);
  const offset = isFirst ? 0 : random.pick([1, 4]);
  const payload = isFirst ? first : random.bytes(24);
  if (!isIpv6(ends))
    return {
      bytes: ipPacket({ ...ends, protocol, identification, fragment: isFirst ? 0x2000 : offset, payload }),
    };
  const header = Buffer.of(
    protocol,
    0,
    offset >> 5,
    (offset << 3) | (isFirst ? 1 : 0),
    0,
    0,
    0,
    identification,
  );
  return { bytes: ipPacket({ ...ends, protocol: 44, payload: Buffer.concat([header, payload]) }) };
};

/** About a packet that came the other way, or about anything; whole or cut. */
const error: Maker = (random, ends) => {
  const back = { ...ends, source: ends.destination, destination: ends.source };
  const stranger = isIpv6(ends) ? 'fd00:9::9' : '10.9.9.9';
  const about = random.pick([back, back, { ...back, source: stranger }]);
  const ports = { sourcePort: ends.destinationPort, destinationPort: ends.sourcePort };
  const whole = random.pick([udpPacket, tcpPacket])(about, ports);
  const enclosed = random.oneIn(4) ? whole.subarray(0, random.below(whole.length)) : whole;
  const from = random.pick([ends, ends, { ...ends, source: stranger }]);
  const type = random.pick(isIpv6(ends) ? [1, 2, 3, 4] : [3, 4, 5, 11, 12]);
  return { bytes: icmpError(ip(random, from), { type, code: random.below(4), enclosed }) };
};

const multicast: Maker = (random, ends) => {
  const destination = isIpv6(ends) ? 'ff02::16' : random.pick(['224.0.0.22', '239.1.2.3', '255.255.255.255']);
  return { bytes: udpPacket({ ...ip(random, ends), destination }, ends) };
};

const otherProtocol: Maker = (random, ends) => {
  const protocol = random.pick([2, 33, 47, 50, 132, 136, 255]);
  return { bytes: ipPacket({ ...ip(random, ends), protocol, payload: random.bytes(random.below(40)) }) };
};

const truncated: Maker = (random, ends) => {
  const { bytes, ...rest } = random.pick([udp, tcp, options, extensionHeaders])(random, ends);
  return { ...rest, bytes: bytes.subarray(0, random.below(bytes.length)) };
};

/** One byte of the headers is wrong. */
const damaged: Maker = (random, ends) => {
  const frame = random.pick([udp, tcp, options, fragment])(random, ends);
  const bytes = Buffer.from(frame.bytes);
  const at = random.below(Math.min(bytes.length, 60));
  bytes[at] = bytes[at]! ^ (1 << random.below(8));
  return { ...frame, bytes };
};

/** A jumbogram (RFC 2675), or an IPv4 packet that says it is 65 535 bytes long. */
const jumboClaim: Maker = (random, ends) => {
  if (!isIpv6(ends)) {
    const bytes = Buffer.from(udp(random, ends).bytes);
    bytes.writeUInt16BE(0xffff, 2);
    return { bytes };
  }
  const option = Buffer.of(17, 0, 0xc2, 4, 0, 1, 0, random.below(256));
  const bytes = ipPacket({
    ...ip(random, ends),
    protocol: 0,
    payload: Buffer.concat([option, data(random)]),
  });
  Buffer.from(bytes.buffer, bytes.byteOffset).writeUInt16BE(0, 4);
  return { bytes };
};

/** A right packet with virtio-net fields that do not fit it. */
const wrongOffload: Maker = (random, ends) => {
  const frame = random.pick([superPacket('tcp'), superPacket('udp'), tcp, udp])(random, ends);
  const number = (): number => random.pick([0, 1, 20, 34, 60, 0xffff, random.below(0x10000)]);
  switch (random.below(4)) {
    case 0:
      return { ...frame, gsoType: random.pick([0x81, 0x84, 2, 3, 9, 255, 1, 4, 5]) };
    case 1:
      return { ...frame, segmentSize: random.pick([0, 1, 0xffff]) };
    case 2:
      return {
        ...frame,
        flags: random.below(256),
        gsoType: 0,
        checksumStart: number(),
        checksumOffset: number(),
      };
    default:
      return { ...frame, headerLength: number(), checksumStart: number(), checksumOffset: number() };
  }
};

const garbage: Maker = (random) => {
  const bytes = random.bytes(random.below(120));
  if (bytes.length > 0 && random.oneIn(2)) bytes[0] = random.pick([0x45, 0x4f, 0x60, 0x44, 0x50]);
  return { bytes };
};

const KINDS: Readonly<Record<string, readonly [weight: number, make: Maker]>> = {
  udp: [30, udp],
  tcp: [16, tcp],
  syn: [4, syn],
  echo: [6, (random, ends) => ({ bytes: echoRequest(ip(random, ends), random.below(9)) })],
  'partial checksum': [6, (random, ends) => partialChecksum(random.pick([udp, tcp])(random, ends).bytes)],
  'TCP super-packet': [3, superPacket('tcp')],
  'UDP super-packet': [2, superPacket('udp')],
  options: [4, options],
  'extension headers': [4, extensionHeaders],
  fragment: [5, fragment],
  'paired fragment': [5, pairedFragment],
  'ICMP error': [6, error],
  multicast: [2, multicast],
  'other protocol': [3, otherProtocol],
  truncated: [4, truncated],
  damaged: [4, damaged],
  'jumbo claim': [2, jumboClaim],
  'wrong offload': [4, wrongOffload],
  garbage: [3, garbage],
  empty: [1, () => ({ bytes: new Uint8Array() })],
};

export const FRAME_KINDS: readonly string[] = Object.keys(KINDS);
const LOTS = FRAME_KINDS.flatMap((kind) => Array<string>(KINDS[kind]?.[0] ?? 0).fill(kind));

export interface RandomFrame {
  readonly kind: string;
  readonly frame: TunFrame;
}

export function randomFrame(random: Random, ends: Ends): RandomFrame {
  const kind = random.pick(LOTS);
  const [, make] = KINDS[kind] ?? [];
  if (make === undefined) throw new Error(`no frames of kind ${kind}`);
  return { kind, frame: make(random, ends) };
}
