// The packets of a flood, and the file from which generator.cc sends them: IPv4 and UDP, with places that are random in
// each packet that is sent.

const IPV4_BYTES = 20;
const UDP_BYTES = 8;
const PROTOCOL_UDP = 17;
const MOST_RANDOM_PLACES = 3;
/** From the beginning of the IPv4 header. */
export const UDP_PAYLOAD_AT: number = IPV4_BYTES + UDP_BYTES;
const IDENTIFICATION_AT = 4;
const SOURCE_AT = 12;
const SOURCE_PORT_AT = IPV4_BYTES;

/** Bytes that are random whenever the packet is sent. */
export interface RandomPlace {
  readonly at: number;
  readonly length: number;
}

export interface FloodPacket {
  readonly bytes: Uint8Array;
  readonly random: readonly RandomPlace[];
}

/** RFC 2544 §C.2.2: addresses of benchmarks. 65 536 sources, none of which is there. */
export const FORGED_SOURCE = '198.18.0.0';
const FORGED_SOURCES: RandomPlace = { at: SOURCE_AT + 2, length: 2 };
export const FORGED_PREFIX = '198.18.0.0/16';
export const ANY_SOURCE_PORT: RandomPlace = { at: SOURCE_PORT_AT, length: 2 };
export const ANY_IDENTIFICATION: RandomPlace = { at: IDENTIFICATION_AT, length: 2 };

export interface UdpFields {
  /** {@link FORGED_SOURCE}: another one in each packet. */
  readonly source: string;
  readonly sourcePort?: number;
  readonly destination: string;
  readonly port: number;
  readonly payload: Uint8Array;
  /** Beside a forged source. */
  readonly random?: readonly RandomPlace[];
}

/** A datagram without checksum (RFC 768). */
export function udpPacket(fields: UdpFields): FloodPacket {
  const { sourcePort = 4500, port, payload } = fields;
  const udp = Buffer.alloc(UDP_BYTES);
  udp.writeUInt16BE(sourcePort, 0);
  udp.writeUInt16BE(port, 2);
  udp.writeUInt16BE(UDP_BYTES + payload.length, 4);
  return ipPacket({ ...fields, payload: Buffer.concat([udp, payload]), fragment: 0 });
}

export interface IpFields {
  readonly source: string;
  readonly destination: string;
  readonly payload: Uint8Array;
  /** Flags and offset, RFC 791 §3.1. */
  readonly fragment: number;
  readonly random?: readonly RandomPlace[];
}

export function ipPacket({ source, destination, payload, fragment, random = [] }: IpFields): FloodPacket {
  const header = Buffer.alloc(IPV4_BYTES);
  header[0] = 0x45;
  header.writeUInt16BE(IPV4_BYTES + payload.length, 2);
  header.writeUInt16BE(fragment, 6);
  header[8] = 64;
  header[9] = PROTOCOL_UDP;
  header.set(source.split('.').map(Number), SOURCE_AT);
  header.set(destination.split('.').map(Number), SOURCE_AT + 4);
  const sources = source === FORGED_SOURCE ? [FORGED_SOURCES] : [];
  return { bytes: Buffer.concat([header, payload]), random: [...sources, ...random] };
}

/** What generator.cc reads. */
export function encodeFlood(packets: readonly FloodPacket[]): Uint8Array {
  return Buffer.concat(
    packets.flatMap(({ bytes, random }) => {
      if (random.length > MOST_RANDOM_PLACES) throw new RangeError(`${random.length} random places`);
      const head = Buffer.alloc(2 + 4 * MOST_RANDOM_PLACES);
      head.writeUInt16BE(bytes.length, 0);
      random.forEach(({ at, length }, index) => {
        head.writeUInt16BE(at, 2 + 4 * index);
        head.writeUInt16BE(length, 4 + 4 * index);
      });
      return [head, bytes];
    }),
  );
}
