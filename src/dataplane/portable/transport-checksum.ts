// TCP and UDP checksums with their pseudo-header (RFC 9293 §3.1, RFC 768, RFC 8200 §8.1).

import { writeUint16 } from '../../wire/bytes.ts';
import { addToSum, foldSum } from '../../wire/checksum.ts';
import { IPV4_SOURCE } from '../../wire/ipv4.ts';
import { IPV6_SOURCE } from '../../wire/ipv6.ts';
import { PROTOCOL_UDP } from '../../wire/protocol-numbers.ts';
import { TCP_CHECKSUM } from '../../wire/tcp.ts';
import { UDP_CHECKSUM } from '../../wire/udp.ts';

/** The unfolded sum of the pseudo-header. @param transportLength transport header and payload in bytes */
export function pseudoHeaderSum(
  bytes: Uint8Array,
  packet: number,
  protocol: number,
  transportLength: number,
): number {
  const isIpv6 = bytes[packet]! >>> 4 === 6;
  const sum = protocol + transportLength;
  return isIpv6
    ? addToSum(sum, bytes, packet + IPV6_SOURCE, 32)
    : addToSum(sum, bytes, packet + IPV4_SOURCE, 8);
}

/** True where the checksum that the segment carries is right. */
export function transportChecksumHolds(
  bytes: Uint8Array,
  packet: number,
  protocol: number,
  transport: number,
  transportLength: number,
): boolean {
  const sum = pseudoHeaderSum(bytes, packet, protocol, transportLength);
  return foldSum(addToSum(sum, bytes, transport, transportLength)) === 0xffff;
}

/** Where the checksum stands in the transport header. */
export function checksumOffset(protocol: number): number {
  return protocol === PROTOCOL_UDP ? UDP_CHECKSUM : TCP_CHECKSUM;
}

/** Computes the checksum whole and writes it. */
export function writeTransportChecksum(
  bytes: Uint8Array,
  packet: number,
  protocol: number,
  transport: number,
  transportLength: number,
): void {
  const field = transport + checksumOffset(protocol);
  writeUint16(bytes, field, 0);
  const sum = addToSum(
    pseudoHeaderSum(bytes, packet, protocol, transportLength),
    bytes,
    transport,
    transportLength,
  );
  writeChecksum(bytes, field, sum, protocol === PROTOCOL_UDP);
}

/** Completes a checksum whose field holds the pseudo-header sum: what the kernel leaves to a device with NEEDS_CSUM. */
export function completePartialChecksum(
  bytes: Uint8Array,
  start: number,
  end: number,
  fieldOffset: number,
): void {
  const sum = addToSum(0, bytes, start, end - start);
  writeChecksum(bytes, start + fieldOffset, sum, fieldOffset === UDP_CHECKSUM);
}

function writeChecksum(bytes: Uint8Array, field: number, sum: number, isUdp: boolean): void {
  const checksum = ~foldSum(sum) & 0xffff;
  // RFC 768: a UDP checksum of zero says that there is none, so zero is sent as all ones.
  writeUint16(bytes, field, checksum === 0 && isUdp ? 0xffff : checksum);
}
