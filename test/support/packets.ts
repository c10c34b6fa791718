// Builds IP packets for tests, plainly and with its own checksums, so that nothing of src/ is believed.

import { parseAddress } from '../../src/base/address.ts';

export interface PacketFields {
  readonly source: string;
  readonly destination: string;
  readonly protocol?: number;
  /** What follows the IP header; built by the functions below. */
  readonly payload?: Uint8Array;
  readonly trafficClass?: number;
  readonly identification?: number;
  /** IPv4 flags and fragment offset as one word. */
  readonly fragment?: number;
  readonly hopLimit?: number;
  /** IPv4 options, a multiple of four bytes. */
  readonly options?: Uint8Array;
}

export function bytesOf(address: string): Uint8Array {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new Error(`not an address: ${address}`);
  return parsed.bytes;
}

/** The Internet checksum, the slow and obvious way (RFC 1071). */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  const all = Buffer.concat(parts);
  const even = all.length % 2 === 0 ? all : Buffer.concat([all, Buffer.of(0)]);
  let sum = 0;
  for (let i = 0; i < even.length; i += 2) {
    sum += even.readUInt16BE(i);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return ~sum & 0xffff;
}

/** An IPv4 or IPv6 packet, by the family of its source. */
export function ipPacket(fields: PacketFields): Uint8Array {
  const { protocol = 59, payload = new Uint8Array(), trafficClass = 0, hopLimit = 64 } = fields;
  const source = bytesOf(fields.source);
  const destination = bytesOf(fields.destination);
  if (source.length === 16) {
    const header = Buffer.alloc(40);
    header.writeUInt32BE(0x60000000 + trafficClass * 0x100000, 0);
    header.writeUInt16BE(payload.length, 4);
    header[6] = protocol;
    header[7] = hopLimit;
    header.set(source, 8);
    header.set(destination, 24);
    return Buffer.concat([header, payload]);
  }
  const options = fields.options ?? new Uint8Array();
  const header = Buffer.alloc(20 + options.length);
  header[0] = 0x40 | (header.length / 4);
  header[1] = trafficClass;
  header.writeUInt16BE(header.length + payload.length, 2);
  header.writeUInt16BE(fields.identification ?? 1, 4);
  header.writeUInt16BE(fields.fragment ?? 0, 6);
  header[8] = hopLimit;
  header[9] = protocol;
  header.set(source, 12);
  header.set(destination, 16);
  header.set(options, 20);
  header.writeUInt16BE(internetChecksum(header), 10);
  return Buffer.concat([header, payload]);
}

function pseudoHeader(source: string, destination: string, protocol: number, length: number): Uint8Array {
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(length, 0);
  tail[7] = protocol;
  return Buffer.concat([bytesOf(source), bytesOf(destination), tail]);
}

export interface TcpFields {
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly sequence?: number;
  readonly flags?: number;
  readonly options?: Uint8Array;
  readonly data?: Uint8Array;
}

/** A whole TCP packet with a correct checksum. */
export function tcpPacket(ip: Omit<PacketFields, 'protocol' | 'payload'>, tcp: TcpFields = {}): Uint8Array {
  const { options = new Uint8Array(), data = new Uint8Array() } = tcp;
  const header = Buffer.alloc(20 + options.length);
  header.writeUInt16BE(tcp.sourcePort ?? 40000, 0);
  header.writeUInt16BE(tcp.destinationPort ?? 80, 2);
  header.writeUInt32BE(tcp.sequence ?? 1, 4);
  header.writeUInt32BE(1, 8);
  header[12] = (header.length / 4) << 4;
  header[13] = tcp.flags ?? 0x10;
  header.writeUInt16BE(1000, 14);
  header.set(options, 20);
  const segment = Buffer.concat([header, data]);
  const checksum = internetChecksum(pseudoHeader(ip.source, ip.destination, 6, segment.length), segment);
  segment.writeUInt16BE(checksum, 16);
  return ipPacket({ ...ip, protocol: 6, payload: segment });
}

/** A whole UDP packet with a correct checksum. */
export function udpPacket(
  ip: Omit<PacketFields, 'protocol' | 'payload'>,
  udp: { readonly sourcePort?: number; readonly destinationPort?: number; readonly data?: Uint8Array } = {},
): Uint8Array {
  const data = udp.data ?? new Uint8Array();
  const datagram = Buffer.alloc(8 + data.length);
  datagram.writeUInt16BE(udp.sourcePort ?? 5000, 0);
  datagram.writeUInt16BE(udp.destinationPort ?? 53, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  datagram.set(data, 8);
  const checksum = internetChecksum(pseudoHeader(ip.source, ip.destination, 17, datagram.length), datagram);
  datagram.writeUInt16BE(checksum === 0 ? 0xffff : checksum, 6);
  return ipPacket({ ...ip, protocol: 17, payload: datagram });
}

/** An ICMP or ICMPv6 echo request, by the family of the source. */
export function echoRequest(ip: Omit<PacketFields, 'protocol' | 'payload'>, sequence = 1): Uint8Array {
  const isIpv6 = ip.source.includes(':');
  const message = Buffer.alloc(16);
  message[0] = isIpv6 ? 128 : 8;
  message.writeUInt16BE(sequence, 6);
  const pseudo = isIpv6 ? pseudoHeader(ip.source, ip.destination, 58, message.length) : new Uint8Array();
  message.writeUInt16BE(internetChecksum(pseudo, message), 2);
  return ipPacket({ ...ip, protocol: isIpv6 ? 58 : 1, payload: message });
}

export interface IcmpErrorFields {
  readonly type?: number;
  readonly code?: number;
  /** The packet that met the error, or its first bytes. */
  readonly enclosed: Uint8Array;
}

/** An ICMP or ICMPv6 error, by the family of the source; time exceeded where no type is given. */
export function icmpError(
  ip: Omit<PacketFields, 'protocol' | 'payload'>,
  { type, code = 0, enclosed }: IcmpErrorFields,
): Uint8Array {
  const isIpv6 = ip.source.includes(':');
  const header = Buffer.alloc(8);
  header[0] = type ?? (isIpv6 ? 3 : 11);
  header[1] = code;
  const message = Buffer.concat([header, enclosed]);
  const pseudo = isIpv6 ? pseudoHeader(ip.source, ip.destination, 58, message.length) : new Uint8Array();
  message.writeUInt16BE(internetChecksum(pseudo, message), 2);
  return ipPacket({ ...ip, protocol: isIpv6 ? 58 : 1, payload: message });
}

/** An IPv6 packet with a fragment header (RFC 8200 §4.5). @param offset in bytes, a multiple of 8 */
export function ipv6Fragment(
  ip: Omit<PacketFields, 'payload'>,
  fragment: {
    readonly offset: number;
    readonly more: boolean;
    readonly id: number;
    readonly data: Uint8Array;
  },
): Uint8Array {
  const header = Buffer.alloc(8);
  header[0] = ip.protocol ?? 59;
  header.writeUInt16BE(fragment.offset | (fragment.more ? 1 : 0), 2);
  header.writeUInt32BE(fragment.id, 4);
  return ipPacket({ ...ip, protocol: 44, payload: Buffer.concat([header, fragment.data]) });
}
