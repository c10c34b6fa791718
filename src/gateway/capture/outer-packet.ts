// An outer packet of a capture, put together from what the sockets told: IPv4 or IPv6 header, UDP header, ESP or IKE. Checksums
// are right; the hop limit and an IPv4 identification are not what the wire had. A datagram that the IP layer would
// cut into fragments stands here whole.

import type { Envelope } from '../../dataplane/capture/envelope.ts';
import { writeUint16 } from '../../wire/bytes.ts';
import { addToSum, foldSum } from '../../wire/checksum.ts';
import {
  IPV4_DESTINATION,
  IPV4_DONT_FRAGMENT,
  IPV4_FLAGS_AND_OFFSET,
  IPV4_HEADER_BYTES,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TIME_TO_LIVE,
  IPV4_TOTAL_LENGTH,
  IPV4_TYPE_OF_SERVICE,
  writeIpv4Checksum,
} from '../../wire/ipv4.ts';
import {
  IPV6_DESTINATION,
  IPV6_HEADER_BYTES,
  IPV6_HOP_LIMIT,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
  IPV6_SOURCE,
} from '../../wire/ipv6.ts';
import { PROTOCOL_UDP } from '../../wire/protocol-numbers.ts';
import { UDP_CHECKSUM, UDP_HEADER_BYTES, UDP_LENGTH } from '../../wire/udp.ts';

const HOP_LIMIT = 64;
const VERSION_4 = 0x45;
const VERSION_6 = 0x60;

/** @param originalBytes of the datagram, not all of which may be in `payload` @returns from the IP header on */
export function outerPacket(envelope: Envelope, payload: Uint8Array, originalBytes: number): Uint8Array {
  const isIpv4 = envelope.source.length === 4;
  const header = isIpv4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const packet = new Uint8Array(header + UDP_HEADER_BYTES + payload.length);
  const udpBytes = UDP_HEADER_BYTES + originalBytes;
  packet.set(payload, header + UDP_HEADER_BYTES);
  writeUint16(packet, header, envelope.sourcePort);
  writeUint16(packet, header + 2, envelope.destinationPort);
  writeUint16(packet, header + UDP_LENGTH, udpBytes);
  if (isIpv4) writeIpv4(packet, envelope, udpBytes);
  else writeIpv6(packet, envelope, udpBytes);
  // RFC 3948 §2.1: over IPv4 the checksum of ESP in UDP is zero, there is none.
  if (!isIpv4 && payload.length === originalBytes) writeUdpChecksum(packet, envelope, udpBytes);
  return packet;
}

export function outerHeaderBytes({ source }: Envelope): number {
  return (source.length === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES) + UDP_HEADER_BYTES;
}

function writeIpv4(packet: Uint8Array, envelope: Envelope, udpBytes: number): void {
  packet[0] = VERSION_4;
  packet[IPV4_TYPE_OF_SERVICE] = envelope.trafficClass;
  writeUint16(packet, IPV4_TOTAL_LENGTH, IPV4_HEADER_BYTES + udpBytes);
  writeUint16(packet, IPV4_FLAGS_AND_OFFSET, envelope.dontFragment ? IPV4_DONT_FRAGMENT : 0);
  packet[IPV4_TIME_TO_LIVE] = HOP_LIMIT;
  packet[IPV4_PROTOCOL] = PROTOCOL_UDP;
  packet.set(envelope.source, IPV4_SOURCE);
  packet.set(envelope.destination, IPV4_DESTINATION);
  writeIpv4Checksum(packet, 0);
}

function writeIpv6(packet: Uint8Array, envelope: Envelope, udpBytes: number): void {
  packet[0] = VERSION_6 | (envelope.trafficClass >>> 4);
  packet[1] = (envelope.trafficClass & 0x0f) << 4;
  writeUint16(packet, IPV6_PAYLOAD_LENGTH, udpBytes);
  packet[IPV6_NEXT_HEADER] = PROTOCOL_UDP;
  packet[IPV6_HOP_LIMIT] = HOP_LIMIT;
  packet.set(envelope.source, IPV6_SOURCE);
  packet.set(envelope.destination, IPV6_DESTINATION);
}

/** RFC 8200 §8.1: over IPv6 there is one, over a header of addresses, length and protocol too. */
function writeUdpChecksum(packet: Uint8Array, { source, destination }: Envelope, udpBytes: number): void {
  let sum = addToSum(udpBytes + PROTOCOL_UDP, source, 0, source.length);
  sum = foldSum(addToSum(sum, destination, 0, destination.length));
  const checksum = ~foldSum(addToSum(sum, packet, IPV6_HEADER_BYTES, udpBytes)) & 0xffff;
  writeUint16(packet, IPV6_HEADER_BYTES + UDP_CHECKSUM, checksum === 0 ? 0xffff : checksum);
}
