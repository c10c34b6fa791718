// The IPv4 header, RFC 791 §3.1:
//
//    0                   1                   2                   3
//   |Version|  IHL  |Type of Service|          Total Length         |  0
//   |         Identification        |Flags|      Fragment Offset    |  4
//   |  Time to Live |    Protocol   |         Header Checksum       |  8
//   |                       Source Address                          | 12
//   |                    Destination Address                        | 16

import { readUint16, writeUint16 } from './bytes.ts';
import { addToSum, foldSum, updateChecksum } from './checksum.ts';

export const IPV4_HEADER_BYTES = 20;
export const IPV4_TYPE_OF_SERVICE = 1;
export const IPV4_TOTAL_LENGTH = 2;
export const IPV4_IDENTIFICATION = 4;
export const IPV4_FLAGS_AND_OFFSET = 6;
export const IPV4_TIME_TO_LIVE = 8;
export const IPV4_PROTOCOL = 9;
export const IPV4_CHECKSUM = 10;
export const IPV4_SOURCE = 12;
export const IPV4_DESTINATION = 16;

export const IPV4_OFFSET_MASK = 0x1fff;
export const IPV4_MORE_FRAGMENTS = 0x2000;
export const IPV4_DONT_FRAGMENT = 0x4000;

/** IHL in bytes. */
export function ipv4HeaderLength(bytes: Uint8Array, packet: number): number {
  return (bytes[packet]! & 0x0f) << 2;
}

/** True where the `length` bytes at `packet` hold a whole IPv4 packet and nothing else; every accessor is safe then. */
export function checkIpv4Length(bytes: Uint8Array, packet: number, length: number): boolean {
  if (length < IPV4_HEADER_BYTES) return false;
  const headerLength = ipv4HeaderLength(bytes, packet);
  return (
    headerLength >= IPV4_HEADER_BYTES &&
    headerLength <= length &&
    readUint16(bytes, packet + IPV4_TOTAL_LENGTH) === length
  );
}

/** In units of 8 bytes; 0 for a whole packet and for a first fragment. */
export function ipv4FragmentOffset(bytes: Uint8Array, packet: number): number {
  return readUint16(bytes, packet + IPV4_FLAGS_AND_OFFSET) & IPV4_OFFSET_MASK;
}

export function ipv4IsFragment(bytes: Uint8Array, packet: number): boolean {
  return (readUint16(bytes, packet + IPV4_FLAGS_AND_OFFSET) & (IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK)) !== 0;
}

export function ipv4DontFragment(bytes: Uint8Array, packet: number): boolean {
  return (readUint16(bytes, packet + IPV4_FLAGS_AND_OFFSET) & IPV4_DONT_FRAGMENT) !== 0;
}

/** Writes the header checksum over the header as it stands. */
export function writeIpv4Checksum(bytes: Uint8Array, packet: number): void {
  writeUint16(bytes, packet + IPV4_CHECKSUM, 0);
  const sum = foldSum(addToSum(0, bytes, packet, ipv4HeaderLength(bytes, packet)));
  writeUint16(bytes, packet + IPV4_CHECKSUM, ~sum & 0xffff);
}

/** Sets the ECN field and mends the header checksum. @param ecn 0 … 3 (RFC 3168 §5) */
export function writeIpv4Ecn(bytes: Uint8Array, packet: number, ecn: number): void {
  const oldWord = readUint16(bytes, packet);
  const newWord = (oldWord & ~3) | ecn;
  bytes[packet + IPV4_TYPE_OF_SERVICE] = newWord & 0xff;
  const checksum = readUint16(bytes, packet + IPV4_CHECKSUM);
  writeUint16(bytes, packet + IPV4_CHECKSUM, updateChecksum(checksum, oldWord, newWord));
}
