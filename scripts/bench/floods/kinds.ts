// What a gateway is flooded with. Every packet is from outside and proves nothing.

import { randomBytes } from 'node:crypto';
import { firstMessage } from './first-message.ts';
import {
  ANY_IDENTIFICATION,
  ANY_SOURCE_PORT,
  FORGED_SOURCE,
  ipPacket,
  UDP_PAYLOAD_AT,
  udpPacket,
  type FloodPacket,
} from './packets.ts';

export const PACKET_FLOODS = [
  'first-messages',
  'half-open',
  'ip-fragments',
  'ike-fragments',
  'unknown-spi',
  'replay',
  'garbage',
] as const;
export type PacketFlood = (typeof PACKET_FLOODS)[number];

export const DESCRIPTIONS: Readonly<Record<PacketFlood, string>> = {
  'first-messages': 'IKE_SA_INIT, each from another of 65 536 forged sources, with its own SPI',
  'half-open': 'IKE_SA_INIT from eight sources, each with its own SPI',
  'ip-fragments': 'first and later IP fragments of datagrams that are never whole',
  'ike-fragments': 'SKF payloads on ports 500 and 4500, of IKE SAs that are not there',
  'unknown-spi': 'ESP with random SPIs',
  replay: 'captured ESP of the tunnel, whole and unchanged, from the place of its peer',
  garbage: 'random bytes of random length on ports 500 and 4500, and cut IKE headers',
};

const SPI_BYTES = 8;
const IKE_SPI = { at: UDP_PAYLOAD_AT, length: SPI_BYTES };
const MARKER = Buffer.alloc(4);
const ESP_SPI = { at: UDP_PAYLOAD_AT, length: 4 };
const MORE_FRAGMENTS = 0x2000;
/** In units of 8 bytes: behind a first fragment that fills a packet of 1500. */
const LATER_OFFSET = 185;
const GARBAGE_PACKETS = 512;
const MOST_GARBAGE_BYTES = 1400;
const FEW_SOURCES = ['198.19.0.1', '198.19.0.2', '198.19.0.3', '198.19.0.4'] as const;
const MORE_SOURCES = ['198.19.0.5', '198.19.0.6', '198.19.0.7', '198.19.0.8'] as const;
/** RFC 7296 §3.1: next payload SKF (53), version 2.0, INFORMATIONAL (37), from the initiator, message 2. */
const SKF_HEADER_TAIL = [53, 0x20, 37, 0x08, 0, 0, 0, 2];
const SKF_BODY_BYTES = 400;

export interface FloodParts {
  /** Where the packets go. */
  readonly destination: string;
  /** Of the key exchange that the gateway accepts, a name of GROUPS. */
  readonly group: string;
  /** IP packets with ESP in UDP that the gateway has received. */
  readonly captured: readonly Uint8Array[];
}

export async function makeFlood(kind: PacketFlood, parts: FloodParts): Promise<readonly FloodPacket[]> {
  const { destination, group, captured } = parts;
  switch (kind) {
    case 'first-messages': {
      const payload = await firstMessage(FORGED_SOURCE, destination, group);
      const random = [ANY_SOURCE_PORT, IKE_SPI];
      return [udpPacket({ source: FORGED_SOURCE, destination, port: 500, payload, random })];
    }
    case 'half-open': {
      const payload = await firstMessage(FEW_SOURCES[0], destination, group);
      return [...FEW_SOURCES, ...MORE_SOURCES].map((source) =>
        udpPacket({ source, sourcePort: 500, destination, port: 500, payload, random: [IKE_SPI] }),
      );
    }
    case 'ip-fragments':
      return ipFragments(destination);
    case 'ike-fragments':
      return [500, 4500].map((port) => {
        const marker = port === 4500 ? MARKER.length : 0;
        const payload = Buffer.concat([MARKER.subarray(0, marker), skfMessage()]);
        const random = [ANY_SOURCE_PORT, { at: UDP_PAYLOAD_AT + marker, length: 2 * SPI_BYTES }];
        return udpPacket({ source: FORGED_SOURCE, destination, port, payload, random });
      });
    case 'unknown-spi': {
      const payload = randomBytes(120);
      return [udpPacket({ source: FORGED_SOURCE, destination, port: 4500, payload, random: [ESP_SPI] })];
    }
    case 'replay':
      return captured.map((bytes) => ({ bytes, random: [] }));
    case 'garbage':
      return Array.from({ length: GARBAGE_PACKETS }, (_, index) => garbage(destination, index));
  }
}

/** A first fragment with ports, and a later one; each of a datagram of its own. */
function ipFragments(destination: string): readonly FloodPacket[] {
  const whole = udpPacket({ source: FORGED_SOURCE, destination, port: 4500, payload: randomBytes(480) });
  const first = whole.bytes.subarray(20);
  const later = randomBytes(488);
  const random = [ANY_IDENTIFICATION];
  return [
    ipPacket({ source: FORGED_SOURCE, destination, payload: first, fragment: MORE_FRAGMENTS, random }),
    ipPacket({ source: FORGED_SOURCE, destination, payload: later, fragment: LATER_OFFSET, random }),
  ];
}

/** RFC 7383 §2.5. */
function skfMessage(): Uint8Array {
  const length = Buffer.alloc(4);
  const payloadBytes = 8 + SKF_BODY_BYTES;
  length.writeUInt32BE(2 * SPI_BYTES + SKF_HEADER_TAIL.length + 4 + payloadBytes);
  const payload = Buffer.alloc(8);
  payload.writeUInt16BE(payloadBytes, 2);
  payload.writeUInt16BE(1, 4);
  payload.writeUInt16BE(3, 6);
  const spis = Buffer.alloc(2 * SPI_BYTES);
  return Buffer.concat([spis, Buffer.from(SKF_HEADER_TAIL), length, payload, randomBytes(SKF_BODY_BYTES)]);
}

function garbage(destination: string, index: number): FloodPacket {
  const port = index % 2 === 0 ? 500 : 4500;
  const bytes = randomBytes(Math.floor(Math.random() * MOST_GARBAGE_BYTES));
  const isCut = index % 4 >= 2;
  // What looks like IKE and ends in the middle of its header.
  const marker = port === 500 ? Buffer.alloc(0) : MARKER;
  const payload = isCut ? Buffer.concat([marker, bytes.subarray(0, 20)]) : bytes;
  return udpPacket({ source: FORGED_SOURCE, destination, port, payload, random: [ANY_SOURCE_PORT] });
}
