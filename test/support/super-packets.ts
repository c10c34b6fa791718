// Super-packets for tests, cut the slow and obvious way, so that neither engine is believed.

import { internetChecksum } from './packets.ts';

const TCP = 6;
const UDP = 17;

export interface PacketLayout {
  readonly isIpv6: boolean;
  readonly isTcp: boolean;
  readonly networkHeaderLength: number;
  /** Network and transport header. */
  readonly headersLength: number;
}

/** Where the headers of a TCP or UDP packet end; knows IPv4 options and destination options of IPv6. */
export function layoutOf(packet: Uint8Array): PacketLayout {
  const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.length);
  const isIpv6 = bytes.readUInt8(0) >> 4 === 6;
  let protocol = bytes.readUInt8(isIpv6 ? 6 : 9);
  let end = isIpv6 ? 40 : (bytes.readUInt8(0) & 15) * 4;
  while (isIpv6 && protocol === 60) {
    protocol = bytes.readUInt8(end);
    end += (bytes.readUInt8(end + 1) + 1) * 8;
  }
  if (protocol !== TCP && protocol !== UDP) throw new Error(`protocol ${protocol} has no layout`);
  const isTcp = protocol === TCP;
  const transportHeaderLength = isTcp ? (bytes.readUInt8(end + 12) >> 4) * 4 : 8;
  return { isIpv6, isTcp, networkHeaderLength: end, headersLength: end + transportHeaderLength };
}

function pseudoHeader(packet: Buffer, layout: PacketLayout): Buffer {
  const addresses = layout.isIpv6 ? packet.subarray(8, 40) : packet.subarray(12, 20);
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(packet.length - layout.networkHeaderLength, 0);
  tail[7] = layout.isTcp ? TCP : UDP;
  return Buffer.concat([addresses, tail]);
}

function checksumField(layout: PacketLayout): number {
  return layout.networkHeaderLength + (layout.isTcp ? 16 : 6);
}

/** A copy with every length and checksum as it must be for the bytes that are there. */
export function mended(original: Uint8Array): Buffer {
  const packet = Buffer.from(original);
  const layout = layoutOf(packet);
  const field = checksumField(layout);
  if (layout.isIpv6) {
    packet.writeUInt16BE(packet.length - 40, 4);
  } else {
    packet.writeUInt16BE(packet.length, 2);
    packet.writeUInt16BE(0, 10);
    packet.writeUInt16BE(internetChecksum(packet.subarray(0, layout.networkHeaderLength)), 10);
  }
  if (!layout.isTcp) {
    packet.writeUInt16BE(packet.length - layout.networkHeaderLength, layout.networkHeaderLength + 4);
  }
  packet.writeUInt16BE(0, field);
  const checksum = internetChecksum(
    pseudoHeader(packet, layout),
    packet.subarray(layout.networkHeaderLength),
  );
  packet.writeUInt16BE(checksum === 0 && !layout.isTcp ? 0xffff : checksum, field);
  return packet;
}

/** A copy whose transport checksum is the pseudo-header sum, as the kernel hands over with NEEDS_CSUM. */
export function withPartialChecksum(original: Uint8Array): Buffer {
  const packet = mended(original);
  const layout = layoutOf(packet);
  packet.writeUInt16BE(~internetChecksum(pseudoHeader(packet, layout)) & 0xffff, checksumField(layout));
  return packet;
}

/** What the kernel's GSO makes of a super-packet. */
export function cutSuperPacket(frame: Uint8Array, segmentSize: number): Buffer[] {
  const layout = layoutOf(frame);
  const transport = layout.networkHeaderLength;
  const headers = frame.subarray(0, layout.headersLength);
  const payload = frame.subarray(layout.headersLength);
  const count = Math.ceil(payload.length / segmentSize);
  return Array.from({ length: count }, (_, i) => {
    const part = payload.subarray(i * segmentSize, (i + 1) * segmentSize);
    const packet = Buffer.concat([headers, part]);
    if (!layout.isIpv6) packet.writeUInt16BE((packet.readUInt16BE(4) + i) % 0x10000, 4);
    if (layout.isTcp) {
      const sequence = packet.readUInt32BE(transport + 4) + i * segmentSize;
      packet.writeUInt32BE(sequence % 2 ** 32, transport + 4);
      let flags = packet.readUInt8(transport + 13);
      if (i < count - 1) flags &= ~0x09;
      if (i > 0) flags &= ~0x80;
      packet[transport + 13] = flags;
    }
    return mended(packet);
  });
}
