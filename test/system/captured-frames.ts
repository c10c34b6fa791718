// A capture file of tcpdump as plain rows, without a dissector: for captures of many thousand packets.

import { readFile } from 'node:fs/promises';

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const ETHERNET_HEADER_BYTES = 14;

export interface CapturedFrame {
  readonly etherType: number;
  /** The head of the packet behind the Ethernet header. */
  readonly packet: Buffer;
}

/** @returns every frame of a pcap file of this machine's byte order, in order */
export async function readFrames(file: string): Promise<CapturedFrame[]> {
  const bytes = await readFile(file);
  const frames: CapturedFrame[] = [];
  for (let at = FILE_HEADER_BYTES; at + RECORD_HEADER_BYTES <= bytes.length;) {
    const start = at + RECORD_HEADER_BYTES;
    const end = start + bytes.readUInt32LE(at + 8);
    const frame = bytes.subarray(start, end);
    frames.push({ etherType: frame.readUInt16BE(12), packet: frame.subarray(ETHERNET_HEADER_BYTES) });
    at = end;
  }
  return frames;
}

export interface EspInUdp {
  readonly source: string;
  readonly destination: string;
  readonly dscp: number;
  /** Of the IPv4 packet. */
  readonly bytes: number;
  readonly spi: number;
  readonly sequence: number;
}

/** Reads ESP in UDP 4500 over IPv4 (RFC 3948 §2.1). @returns undefined for everything else */
export function readEspInUdp({ etherType, packet }: CapturedFrame): EspInUdp | undefined {
  const isUdp = etherType === 0x0800 && packet[0] === 0x45 && packet[9] === 17;
  if (!isUdp || packet.readUInt16BE(20) !== 4500 || packet.readUInt16BE(22) !== 4500) return undefined;
  return {
    source: packet.subarray(12, 16).join('.'),
    destination: packet.subarray(16, 20).join('.'),
    dscp: packet[1]! >> 2,
    bytes: packet.readUInt16BE(2),
    spi: packet.readUInt32BE(28),
    sequence: packet.readUInt32BE(32),
  };
}

/** True for what a link says to itself: ARP, neighbour discovery and multicast listeners (RFC 4861, RFC 3810). */
export function isLinkTalk({ etherType, packet }: CapturedFrame): boolean {
  if (etherType === 0x0806) return true;
  if (etherType !== 0x86dd) return false;
  // Multicast listener reports have a hop-by-hop header of 8 bytes.
  const icmp = packet[6] === 58 ? 40 : packet[6] === 0 && packet[40] === 58 ? 48 : undefined;
  const type = icmp === undefined ? 0 : (packet[icmp] ?? 0);
  return type >= 130 && type <= 143;
}
