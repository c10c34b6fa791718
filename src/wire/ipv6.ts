// The IPv6 header, RFC 8200 §3, and the walk over its extension headers, §4:
//
//    0                   1                   2                   3
//   |Version| Traffic Class |           Flow Label                  |  0
//   |         Payload Length        |  Next Header  |   Hop Limit   |  4
//   |                       Source Address (16)                     |  8
//   |                    Destination Address (16)                   | 24

import { readUint16 } from './bytes.ts';
import {
  PROTOCOL_DESTINATION_OPTIONS,
  PROTOCOL_FRAGMENT,
  PROTOCOL_HOP_BY_HOP,
  PROTOCOL_ROUTING,
} from './protocol-numbers.ts';

export const IPV6_HEADER_BYTES = 40;
export const IPV6_PAYLOAD_LENGTH = 4;
export const IPV6_NEXT_HEADER = 6;
export const IPV6_HOP_LIMIT = 7;
export const IPV6_SOURCE = 8;
export const IPV6_DESTINATION = 24;

/** Most extension headers a packet may carry here; one more is malformed (the walk must end soon). */
const MAX_EXTENSION_HEADERS = 8;

/** True where the `length` bytes at `packet` hold a whole IPv6 packet and nothing else. Jumbograms (RFC 2675) are not. */
export function checkIpv6Length(bytes: Uint8Array, packet: number, length: number): boolean {
  return (
    length >= IPV6_HEADER_BYTES &&
    readUint16(bytes, packet + IPV6_PAYLOAD_LENGTH) + IPV6_HEADER_BYTES === length
  );
}

export function ipv6TrafficClass(bytes: Uint8Array, packet: number): number {
  return ((bytes[packet]! & 0x0f) << 4) | (bytes[packet + 1]! >>> 4);
}

/** @param ecn 0 … 3 */
export function writeIpv6Ecn(bytes: Uint8Array, packet: number, ecn: number): void {
  bytes[packet + 1] = (bytes[packet + 1]! & ~0x30) | (ecn << 4);
}

/**
 * Finds the next layer protocol behind the extension headers that RFC 4301 §4.4.1.1 has skipped; AH and ESP are next
 * layer protocols.
 * @returns protocol | header length in bytes << 8 | 2^30 where the packet is a later fragment, whose ports are
 * elsewhere | 2^29 where it is any fragment; -1 where the chain is malformed
 */
export function findIpv6NextLayer(bytes: Uint8Array, packet: number, length: number): number {
  let protocol = bytes[packet + IPV6_NEXT_HEADER]!;
  let at = IPV6_HEADER_BYTES;
  let flags = 0;
  for (let headers = 0; headers <= MAX_EXTENSION_HEADERS; headers++) {
    let size: number;
    switch (protocol) {
      case PROTOCOL_HOP_BY_HOP:
      case PROTOCOL_ROUTING:
      case PROTOCOL_DESTINATION_OPTIONS:
        // RFC 8200 §4.1: hop-by-hop options stand directly behind the IPv6 header or nowhere.
        if (at + 8 > length || (protocol === PROTOCOL_HOP_BY_HOP && headers > 0)) return -1;
        size = (bytes[packet + at + 1]! + 1) << 3;
        break;
      case PROTOCOL_FRAGMENT: {
        if (at + 8 > length) return -1;
        size = 8;
        const offsetAndMore = readUint16(bytes, packet + at + 2);
        flags |= IPV6_IS_FRAGMENT;
        // RFC 8200 §4.5: behind a later fragment's header lies data, not the next header.
        if (offsetAndMore >>> 3 !== 0)
          return bytes[packet + at]! | ((at + 8) << 8) | flags | IPV6_LATER_FRAGMENT;
        break;
      }
      default:
        return protocol | (at << 8) | flags;
    }
    if (at + size > length) return -1;
    protocol = bytes[packet + at]!;
    at += size;
  }
  return -1;
}

/** Where the fragment header of a packet lies that {@link findIpv6NextLayer} found to be a fragment. */
export function findIpv6FragmentHeader(bytes: Uint8Array, packet: number): number {
  let protocol = bytes[packet + IPV6_NEXT_HEADER]!;
  let at = packet + IPV6_HEADER_BYTES;
  while (protocol !== PROTOCOL_FRAGMENT) {
    protocol = bytes[at]!;
    at += (bytes[at + 1]! + 1) << 3;
  }
  return at;
}

/** RFC 8200 §4.5, within the fragment header. */
export const IPV6_FRAGMENT_OFFSET_AND_MORE = 2;
export const IPV6_FRAGMENT_IDENTIFICATION = 4;

export const IPV6_IS_FRAGMENT: number = 1 << 29;
export const IPV6_LATER_FRAGMENT: number = 1 << 30;
