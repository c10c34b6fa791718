// What a network, and somebody on it, does to the datagrams between two gateways: loss, order, copies, damage, trains,
// and datagrams of its own.

import type { ReceivedDatagram, SentDatagram } from '../../src/dataplane/portable/memory-devices.ts';
import type { Random } from './random.ts';

/** `kinds` are of each segment. */
export interface WireDatagram {
  readonly datagram: ReceivedDatagram;
  readonly kinds: readonly WireKind[];
}

export const WIRE_KINDS = [
  'genuine', 'replayed', 'tampered', 'other SPI', 'cut short', 'keepalive', 'IKE', 'garbage', 'empty', 'crafted',
] as const; // prettier-ignore
export type WireKind = (typeof WIRE_KINDS)[number];

interface Packet {
  readonly kind: WireKind;
  readonly bytes: Uint8Array;
  readonly trafficClass: number;
}

const HISTORY_PACKETS = 256;
const MAX_TRAIN_SEGMENTS = 64;
const MAX_TRAIN_BYTES = 65_507;

export class RandomWire {
  readonly #random: Random;
  readonly #craft: () => Uint8Array;
  readonly #history: Packet[] = [];
  #oldest = 0;

  /** @param craft makes ESP packets that no gateway would send, with right keys */
  constructor(random: Random, craft: () => Uint8Array) {
    this.#random = random;
    this.#craft = craft;
  }

  carry(sent: readonly SentDatagram[]): WireDatagram[] {
    const packets: Packet[] = [];
    for (const { bytes, trafficClass } of sent) {
      const packet: Packet = { kind: 'genuine', bytes, trafficClass };
      if (!this.#random.oneIn(60)) packets.push(this.#disturbed(packet));
      this.#remember(packet);
      while (this.#random.oneIn(10)) packets.push(this.#stranger(packet));
    }
    if (this.#random.oneIn(4)) packets.push(this.#stranger(undefined));
    this.#reorder(packets);
    return this.#inDatagrams(packets);
  }

  #remember(packet: Packet): void {
    this.#history[this.#oldest] = packet;
    this.#oldest = (this.#oldest + 1) % HISTORY_PACKETS;
  }

  #disturbed(packet: Packet): Packet {
    const random = this.#random;
    const bytes = Buffer.from(packet.bytes);
    switch (random.below(60)) {
      case 0:
      case 1: {
        const at = random.pick([random.below(16), random.below(bytes.length), bytes.length - 1]);
        bytes[at] = bytes[at]! ^ (1 << random.below(8));
        return { ...packet, bytes, kind: 'tampered' };
      }
      case 2:
        bytes.writeUInt32BE(random.uint32(), 0);
        return { ...packet, bytes, kind: 'other SPI' };
      case 3:
        return { ...packet, bytes: bytes.subarray(0, random.below(bytes.length)), kind: 'cut short' };
      case 4:
        return { ...packet, trafficClass: random.below(256) };
      default:
        return packet;
    }
  }

  /** @param like the lengths of a train must fit: some strangers take the length of a packet on the way */
  #stranger(like: Packet | undefined): Packet {
    const random = this.#random;
    const length = like !== undefined && random.oneIn(2) ? like.bytes.length : random.below(200);
    const trafficClass = like?.trafficClass ?? random.below(256);
    switch (random.below(10)) {
      case 0:
        return { kind: 'keepalive', bytes: Buffer.of(0xff), trafficClass };
      case 1:
        return { kind: 'IKE', bytes: Buffer.alloc(Math.max(4, length)), trafficClass };
      case 2:
        return { kind: 'garbage', bytes: random.bytes(length), trafficClass };
      case 3:
        return { kind: 'empty', bytes: new Uint8Array(), trafficClass };
      case 4:
      case 5:
      case 6:
        return { kind: 'crafted', bytes: this.#craft(), trafficClass };
      default: {
        const old = this.#history[random.below(HISTORY_PACKETS)];
        return old === undefined
          ? { kind: 'empty', bytes: new Uint8Array(), trafficClass }
          : { ...old, kind: 'replayed' };
      }
    }
  }

  #reorder(packets: Packet[]): void {
    for (let i = 1; i < packets.length; i++) {
      if (!this.#random.oneIn(12)) continue;
      const other = Math.max(0, i - this.#random.between(1, 80));
      [packets[i], packets[other]] = [packets[other]!, packets[i]!];
    }
  }

  /** Joins runs of one length into trains, some of the time, as UDP_GRO does; the last of a train may be shorter. */
  #inDatagrams(packets: readonly Packet[]): WireDatagram[] {
    const datagrams: WireDatagram[] = [];
    for (let start = 0; start < packets.length;) {
      const first = packets[start]!;
      const segmentLength = first.bytes.length;
      const limit = this.#random.oneIn(2)
        ? 1
        : Math.min(MAX_TRAIN_SEGMENTS, Math.floor(MAX_TRAIN_BYTES / Math.max(1, segmentLength)));
      let end = start + 1;
      while (
        end - start < limit &&
        packets[end - 1]?.bytes.length === segmentLength &&
        (packets[end]?.bytes.length ?? 0) > 0 &&
        packets[end]!.bytes.length <= segmentLength
      )
        end++;
      const run = packets.slice(start, end);
      datagrams.push({
        kinds: run.map(({ kind }) => kind),
        datagram: {
          bytes: run.length === 1 ? first.bytes : Buffer.concat(run.map(({ bytes }) => bytes)),
          sourceAddress: Uint8Array.of(203, 0, 113, 1),
          sourcePort: 4500,
          segmentLength: run.length === 1 ? 0 : segmentLength,
          trafficClass: first.trafficClass,
        },
      });
      start = end;
    }
    return datagrams;
  }
}
