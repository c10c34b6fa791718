// What the SPD looks at in a packet: the selector values of RFC 4301 §4.4.1.1, read once into a row of words.
// The same row is the exact-match key of the flow caches.

import {
  checkIpv4Length,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  IPV4_DESTINATION,
  IPV4_FLAGS_AND_OFFSET,
  IPV4_HEADER_BYTES,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
} from '../wire/ipv4.ts';
import {
  checkIpv6Length,
  findIpv6NextLayer,
  IPV6_DESTINATION,
  IPV6_HEADER_BYTES,
  IPV6_LATER_FRAGMENT,
  IPV6_NEXT_HEADER,
  IPV6_SOURCE,
} from '../wire/ipv6.ts';
import { readInt32, readUint16 } from '../wire/bytes.ts';
import {
  PROTOCOL_AH,
  PROTOCOL_DCCP,
  PROTOCOL_DESTINATION_OPTIONS,
  PROTOCOL_HOP_BY_HOP,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_ROUTING,
  PROTOCOL_SCTP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  PROTOCOL_UDPLITE,
} from '../wire/protocol-numbers.ts';

/** Words of a flow row. IPv4 addresses take the first of their four words, the others are 0. */
export const FlowWord = {
  localAddress: 0,
  remoteAddress: 4,
  /** Local port << 16 | remote port; for ICMP type << 8 | code; 0 where the protocol has neither. */
  ports: 8,
  /** Protocol | family << 8 | {@link PORTS_UNKNOWN} | {@link PROTOCOL_UNKNOWN}. */
  protocol: 9,
  /** Names the SA that carried an inbound packet, and no other that ever has its slot or SPI; 0 outbound. */
  saFlowId: 10,
  /** Bytes from the packet's start to the next layer header; not part of the key. */
  transportOffset: 11,
} as const;

/** Words that make the key. */
export const FLOW_KEY_WORDS = 11;
const FLOW_WORDS = 12;

/**
 * The protocol has ports, or type and code, but they are not in this packet: a later fragment, or a first one cut
 * short. RFC 4301 §4.4.1.1 calls the selector OPAQUE then.
 */
export const PORTS_UNKNOWN: number = 1 << 16;

/** The protocol itself is not in this packet: an IPv6 later fragment that starts with an extension header. */
export const PROTOCOL_UNKNOWN: number = 1 << 17;

export type Flow = Int32Array;

export function createFlow(): Flow {
  return new Int32Array(FLOW_WORDS);
}

/**
 * Reads the selectors of the packet at `offset` into `flow`; the saFlowId word is the caller's.
 * @param outbound the packet's source is the local address
 * @returns false where the bytes are not exactly one well-formed IPv4 or IPv6 packet
 */
export function readFlow(
  flow: Flow,
  bytes: Uint8Array,
  offset: number,
  length: number,
  outbound: boolean,
): boolean {
  if (length === 0) return false;
  const version = bytes[offset]! >>> 4;
  if (version === 4) return readIpv4Flow(flow, bytes, offset, length, outbound);
  if (version === 6) return readIpv6Flow(flow, bytes, offset, length, outbound);
  return false;
}

const PLAIN_IPV4 = 0x45;
const FRAGMENT_BITS = 0x3fff;

/**
 * True where a packet is surely of the same flow as the one before it: both with plain headers, TCP or UDP, and equal
 * selectors. False says nothing; then read the flow.
 * @param before a packet that {@link readFlow} took, its bytes still there
 */
export function continuesFlow(bytes: Uint8Array, before: number, offset: number, length: number): boolean {
  const start = bytes[offset]!;
  if (start === PLAIN_IPV4) {
    const protocol = bytes[offset + IPV4_PROTOCOL]!;
    return (
      length >= IPV4_HEADER_BYTES + 4 &&
      bytes[before] === PLAIN_IPV4 &&
      (protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP) &&
      protocol === bytes[before + IPV4_PROTOCOL] &&
      checkIpv4Length(bytes, offset, length) &&
      (readUint16(bytes, offset + IPV4_FLAGS_AND_OFFSET) & FRAGMENT_BITS) === 0 &&
      (readUint16(bytes, before + IPV4_FLAGS_AND_OFFSET) & FRAGMENT_BITS) === 0 &&
      haveEqualWords(bytes, before + IPV4_SOURCE, offset + IPV4_SOURCE, 3)
    );
  }
  const protocol = bytes[offset + IPV6_NEXT_HEADER]!;
  return (
    start >>> 4 === 6 &&
    length >= IPV6_HEADER_BYTES + 4 &&
    bytes[before]! >>> 4 === 6 &&
    (protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP) &&
    protocol === bytes[before + IPV6_NEXT_HEADER] &&
    checkIpv6Length(bytes, offset, length) &&
    haveEqualWords(bytes, before + IPV6_SOURCE, offset + IPV6_SOURCE, 9)
  );
}

/** Addresses and ports lie side by side behind plain headers, so they are compared as one run of words. */
function haveEqualWords(bytes: Uint8Array, one: number, other: number, words: number): boolean {
  for (let at = 0; at < 4 * words; at += 4) {
    if (readInt32(bytes, one + at) !== readInt32(bytes, other + at)) return false;
  }
  return true;
}

function readIpv4Flow(
  flow: Flow,
  bytes: Uint8Array,
  offset: number,
  length: number,
  outbound: boolean,
): boolean {
  if (!checkIpv4Length(bytes, offset, length)) return false;
  const local = offset + (outbound ? IPV4_SOURCE : IPV4_DESTINATION);
  const remote = offset + (outbound ? IPV4_DESTINATION : IPV4_SOURCE);
  flow[FlowWord.localAddress] = readInt32(bytes, local);
  flow[FlowWord.remoteAddress] = readInt32(bytes, remote);
  for (let word = 1; word < 4; word++) {
    flow[FlowWord.localAddress + word] = 0;
    flow[FlowWord.remoteAddress + word] = 0;
  }
  const headerLength = ipv4HeaderLength(bytes, offset);
  const laterFragment = ipv4FragmentOffset(bytes, offset) !== 0;
  readPorts(
    flow,
    bytes,
    offset,
    length,
    outbound,
    bytes[offset + IPV4_PROTOCOL]!,
    4,
    headerLength,
    laterFragment,
  );
  return true;
}

function readIpv6Flow(
  flow: Flow,
  bytes: Uint8Array,
  offset: number,
  length: number,
  outbound: boolean,
): boolean {
  if (!checkIpv6Length(bytes, offset, length)) return false;
  const nextLayer = findIpv6NextLayer(bytes, offset, length);
  if (nextLayer < 0) return false;
  const local = offset + (outbound ? IPV6_SOURCE : IPV6_DESTINATION);
  const remote = offset + (outbound ? IPV6_DESTINATION : IPV6_SOURCE);
  for (let word = 0; word < 4; word++) {
    flow[FlowWord.localAddress + word] = readInt32(bytes, local + 4 * word);
    flow[FlowWord.remoteAddress + word] = readInt32(bytes, remote + 4 * word);
  }
  const laterFragment = (nextLayer & IPV6_LATER_FRAGMENT) !== 0;
  const headerLength = (nextLayer >>> 8) & 0xffff;
  readPorts(flow, bytes, offset, length, outbound, nextLayer & 0xff, 6, headerLength, laterFragment);
  return true;
}

function readPorts(
  flow: Flow,
  bytes: Uint8Array,
  offset: number,
  length: number,
  outbound: boolean,
  protocol: number,
  family: number,
  headerLength: number,
  laterFragment: boolean,
): void {
  flow[FlowWord.transportOffset] = headerLength;
  const at = offset + headerLength;
  const room = length - headerLength;
  let ports = 0;
  let unknown = 0;
  switch (protocol) {
    case PROTOCOL_TCP:
    case PROTOCOL_UDP:
    case PROTOCOL_SCTP:
    case PROTOCOL_DCCP:
    case PROTOCOL_UDPLITE:
      if (laterFragment || room < 4) unknown = PORTS_UNKNOWN;
      else {
        const source = readUint16(bytes, at);
        const destination = readUint16(bytes, at + 2);
        ports = outbound ? (source << 16) | destination : (destination << 16) | source;
      }
      break;
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMPV6:
      if (laterFragment || room < 2) unknown = PORTS_UNKNOWN;
      else ports = readUint16(bytes, at);
      break;
    case PROTOCOL_HOP_BY_HOP:
    case PROTOCOL_ROUTING:
    case PROTOCOL_AH:
    case PROTOCOL_DESTINATION_OPTIONS:
      // RFC 8200 §4.5: what lies behind is in the first fragment only.
      if (laterFragment && family === 6) unknown = PORTS_UNKNOWN | PROTOCOL_UNKNOWN;
      break;
    default:
      break;
  }
  flow[FlowWord.ports] = ports;
  flow[FlowWord.protocol] = protocol | (family << 8) | unknown;
}
