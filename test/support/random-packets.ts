// Random packets as they come from hosts, and as they should never come.

import { ipPacket } from './packets.ts';
import type { Random } from './random.ts';
import { layoutOf, mended } from './super-packets.ts';

export interface PacketShape {
  readonly isIpv6: boolean;
  readonly isTcp: boolean;
  readonly payloadLength: number;
  /** IPv4 options, IPv6 destination options and TCP options may be there. */
  readonly withOptions: boolean;
}

/** A whole TCP or UDP packet with right lengths and checksums; everything else is random. */
export function randomPacket(random: Random, shape: PacketShape): Buffer {
  const { isIpv6, isTcp, payloadLength, withOptions } = shape;
  const transport = isTcp ? tcpHeader(random, withOptions ? 4 * random.below(11) : 0) : random.bytes(8);
  const protocol = isTcp ? 6 : 17;
  const upper = Buffer.concat([transport, random.bytes(payloadLength)]);
  const extension = isIpv6 && withOptions && random.oneIn(3) ? destinationOptions(random, protocol) : [];
  const hasExtension = extension.length > 0;
  const packet = ipPacket({
    source: isIpv6 ? 'fd00:1::5' : '10.0.1.5',
    destination: isIpv6 ? 'fd00:2::6' : '10.0.2.6',
    protocol: hasExtension ? 60 : protocol,
    payload: Buffer.concat([...extension, upper]),
    trafficClass: random.below(256),
    identification: random.below(0x10000),
    fragment: random.pick([0, 0x4000]),
    hopLimit: random.between(1, 255),
    options: withOptions ? new Uint8Array(4 * random.below(11)).fill(1) : new Uint8Array(),
  });
  return mended(packet);
}

function tcpHeader(random: Random, optionsLength: number): Buffer {
  const header = random.bytes(20 + optionsLength);
  header[12] = (header.length / 4) * 16 + random.below(16);
  return header;
}

function destinationOptions(random: Random, nextHeader: number): Buffer[] {
  const header = Buffer.alloc(8 * random.between(1, 3));
  header[0] = nextHeader;
  header[1] = header.length / 8 - 1;
  // PadN over the rest (RFC 8200 §4.2).
  header[2] = 1;
  header[3] = header.length - 4;
  return [header];
}

/** A flow whose packets coalescing should join, most of the time. */
export class RandomFlow {
  readonly #random: Random;
  readonly #template: Buffer;
  readonly #isTcp: boolean;
  readonly #segmentSize: number;
  #sequence: number;
  #identification: number;

  constructor(random: Random, port: number) {
    this.#random = random;
    this.#isTcp = random.oneIn(2);
    this.#segmentSize = random.oneIn(3) ? random.between(1, 20) : random.between(100, 1400);
    this.#sequence = random.oneIn(4) ? 0xffff_ff00 : random.uint32();
    this.#identification = random.pick([0, 0xfffe, random.below(0x10000)]);
    const shape = { isIpv6: random.oneIn(2), isTcp: this.#isTcp, payloadLength: 0 };
    this.#template = randomPacket(random, { ...shape, withOptions: random.oneIn(8) });
    const { networkHeaderLength, headersLength, isIpv6 } = layoutOf(this.#template);
    this.#template.writeUInt16BE(port, networkHeaderLength);
    if (isIpv6) {
      this.#template.writeUInt32BE(0x6000_0000, 0);
    }
    if (this.#isTcp) {
      this.#template[networkHeaderLength + 12] = (headersLength - networkHeaderLength) * 4;
      this.#template[networkHeaderLength + 13] = 0x10;
    }
  }

  /** The next packet of the flow; now and then one that must be kept apart. */
  next(): Buffer {
    const random = this.#random;
    const { networkHeaderLength: transport, isIpv6 } = layoutOf(this.#template);
    const isShort = random.oneIn(20);
    const length = isShort ? random.below(this.#segmentSize) : this.#segmentSize;
    const packet = Buffer.concat([this.#template, random.bytes(length)]);
    if (random.oneIn(40)) this.#sequence += random.between(-2, 2);
    if (random.oneIn(40)) this.#identification += random.between(-1, 2);
    if (this.#isTcp) {
      packet.writeUInt32BE(this.#sequence >>> 0, transport + 4);
      if (random.oneIn(12)) packet[transport + 13] = random.oneIn(3) ? random.below(256) : 0x18;
    }
    if (!isIpv6) packet.writeUInt16BE(this.#identification & 0xffff, 4);
    this.#sequence += length;
    this.#identification++;
    if (random.oneIn(60)) {
      // Any header byte but those that say where the headers end.
      const at = random.below(transport + 12);
      const endsHeaders = isIpv6 ? at === 6 || (at >= 40 && at < transport) : at === 9;
      if (at !== 0 && !endsHeaders && at !== transport + 4 && at !== transport + 5) {
        packet[at] = packet[at]! ^ (1 << random.below(8));
      }
    }
    const whole = mended(packet);
    if (random.oneIn(50)) return damaged(random, whole);
    return whole;
  }
}

/** A whole packet with one thing wrong: a byte, its length, a checksum or an identification. */
export function damaged(random: Random, packet: Buffer): Buffer {
  const copy = Buffer.from(packet);
  switch (random.below(5)) {
    case 0:
      return copy.subarray(0, random.below(copy.length));
    case 1:
      return Buffer.concat([copy, random.bytes(random.between(1, 3))]);
    case 2: {
      const { networkHeaderLength, isTcp } = layoutOf(copy);
      copy.writeUInt16BE(0, networkHeaderLength + (isTcp ? 16 : 6));
      return copy;
    }
    case 3: {
      // What IPv4's header checksum alone vouches for; in IPv6 the lengths and the next header are among it.
      const at = random.pick([4, 5, 10, 11]);
      copy[at] = copy[at]! ^ (1 << random.below(8));
      return copy;
    }
    default: {
      const at = random.below(copy.length);
      copy[at] = copy[at]! ^ (1 << random.below(8));
      return copy;
    }
  }
}
