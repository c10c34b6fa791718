// What the SPD looks at in a packet: the selector values of RFC 4301 §4.4.1.1, read once into a row of words.
// The same row is the exact-match key of the flow caches.

import {
  checkIpv4Length,
  ipv4HeaderLength,
  IPV4_DESTINATION,
  IPV4_FLAGS_AND_OFFSET,
  IPV4_HEADER_BYTES,
  IPV4_IDENTIFICATION,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
} from '../wire/ipv4.ts';
import {
  checkIpv6Length,
  findIpv6FragmentHeader,
  findIpv6NextLayer,
  IPV6_DESTINATION,
  IPV6_FRAGMENT_IDENTIFICATION,
  IPV6_FRAGMENT_OFFSET_AND_MORE,
  IPV6_HEADER_BYTES,
  IPV6_IS_FRAGMENT,
  IPV6_NEXT_HEADER,
  IPV6_SOURCE,
} from '../wire/ipv6.ts';
import { readInt32, readUint16 } from '../wire/bytes.ts';
import { isIcmpErrorType } from '../wire/icmp-error.ts';
import {
  PROTOCOL_DCCP,
  PROTOCOL_DESTINATION_OPTIONS,
  PROTOCOL_HOP_BY_HOP,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_MOBILITY,
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
  /**
   * Local port << 16 | remote port; for ICMP type << 8 | code; for a Mobility Header type << 24 (RFC 4301 §4.4.1.1);
   * 0 where the protocol has none of them.
   */
  ports: 8,
  /** Protocol | family << 8 | {@link PORTS_UNKNOWN} | {@link PROTOCOL_UNKNOWN}. */
  protocol: 9,
  /** Names the SA that carried an inbound packet, and no other that ever has its slot or SPI; 0 outbound. */
  saFlowId: 10,
  /** Bytes from the packet's start to the next layer header; not part of the key. */
  transportOffset: 11,
  /** What must be looked at besides the key: a {@link Special}. Not part of the key. */
  special: 12,
  /** Of a fragment; not part of the key. */
  identification: 13,
} as const;

/** Words that make the key. */
export const FLOW_KEY_WORDS = 11;
const FLOW_WORDS = 14;

/**
 * The protocol has ports, or type and code, but they are not in this packet: a later fragment, or a first one cut
 * short. RFC 4301 §4.4.1.1 calls the selector OPAQUE then.
 */
export const PORTS_UNKNOWN: number = 1 << 16;

/** The protocol itself is not in this packet: an IPv6 later fragment that starts with an extension header. */
export const PROTOCOL_UNKNOWN: number = 1 << 17;

/** Packets whose selectors alone do not decide. */
export const Special = {
  none: 0,
  firstFragment: 1,
  laterFragment: 2,
  /** A fragment that no sender makes: it hides ports or flags, or could be written over them (RFC 1858, RFC 3128). */
  hidingFragment: 3,
  icmpError: 4,
} as const;

export type Flow = Int32Array;

export function createFlow(): Flow {
  return new Int32Array(FLOW_WORDS);
}

/** @param word of the local or the remote address @returns a copy: 4 or 16 bytes in network order */
export function flowAddress(flow: Flow, word: number): Uint8Array {
  const words = ((flow[FlowWord.protocol]! >>> 8) & 0xff) === 4 ? 1 : 4;
  const bytes = new DataView(new ArrayBuffer(4 * words));
  for (let i = 0; i < words; i++) bytes.setInt32(4 * i, flow[word + i]!);
  return new Uint8Array(bytes.buffer);
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
  if (version === 4)
    return checkIpv4Length(bytes, offset, length) && readIpv4Flow(flow, bytes, offset, length, outbound);
  if (version === 6)
    return checkIpv6Length(bytes, offset, length) && readIpv6Flow(flow, bytes, offset, length, outbound);
  return false;
}

/**
 * The same for the packet that an ICMP error carries, which may be cut anywhere behind its IP header.
 * @returns false where not even that is there
 */
export function readEnclosedFlow(
  flow: Flow,
  bytes: Uint8Array,
  offset: number,
  length: number,
  outbound: boolean,
): boolean {
  if (length === 0) return false;
  const version = bytes[offset]! >>> 4;
  if (version === 4) {
    if (length < IPV4_HEADER_BYTES) return false;
    const headerLength = ipv4HeaderLength(bytes, offset);
    if (headerLength < IPV4_HEADER_BYTES || headerLength > length) return false;
    return readIpv4Flow(flow, bytes, offset, length, outbound);
  }
  return version === 6 && length >= IPV6_HEADER_BYTES && readIpv6Flow(flow, bytes, offset, length, outbound);
}

const PLAIN_IPV4 = 0x45;
const FRAGMENT_BITS = 0x3fff;
const OFFSET_BITS = 0x1fff;
/** Offset and more fragments; RFC 8200 §4.5. */
const IPV6_FRAGMENT_BITS = 0xfff9;
/** RFC 3128 §3: the smallest first fragment of TCP, which reaches past its flags. */
const TCP_FIRST_FRAGMENT_BYTES = 16;

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
  const local = offset + (outbound ? IPV4_SOURCE : IPV4_DESTINATION);
  const remote = offset + (outbound ? IPV4_DESTINATION : IPV4_SOURCE);
  flow[FlowWord.localAddress] = readInt32(bytes, local);
  flow[FlowWord.remoteAddress] = readInt32(bytes, remote);
  for (let word = 1; word < 4; word++) {
    flow[FlowWord.localAddress + word] = 0;
    flow[FlowWord.remoteAddress + word] = 0;
  }
  const headerLength = ipv4HeaderLength(bytes, offset);
  const fragment = readUint16(bytes, offset + IPV4_FLAGS_AND_OFFSET) & FRAGMENT_BITS;
  const laterFragment = (fragment & OFFSET_BITS) !== 0;
  const protocol = bytes[offset + IPV4_PROTOCOL]!;
  readPorts(flow, bytes, offset, length, outbound, protocol, 4, headerLength, laterFragment);
  flow[FlowWord.identification] = fragment === 0 ? 0 : readUint16(bytes, offset + IPV4_IDENTIFICATION);
  flow[FlowWord.special] = specialOf(flow, length - headerLength, fragment !== 0, fragment & OFFSET_BITS);
  return true;
}

function readIpv6Flow(
  flow: Flow,
  bytes: Uint8Array,
  offset: number,
  length: number,
  outbound: boolean,
): boolean {
  const nextLayer = findIpv6NextLayer(bytes, offset, length);
  if (nextLayer < 0) return false;
  const local = offset + (outbound ? IPV6_SOURCE : IPV6_DESTINATION);
  const remote = offset + (outbound ? IPV6_DESTINATION : IPV6_SOURCE);
  for (let word = 0; word < 4; word++) {
    flow[FlowWord.localAddress + word] = readInt32(bytes, local + 4 * word);
    flow[FlowWord.remoteAddress + word] = readInt32(bytes, remote + 4 * word);
  }
  const headerLength = (nextLayer >>> 8) & 0xffff;
  let offsetAndMore = 0;
  let identification = 0;
  if ((nextLayer & IPV6_IS_FRAGMENT) !== 0) {
    const header = findIpv6FragmentHeader(bytes, offset);
    offsetAndMore = readUint16(bytes, header + IPV6_FRAGMENT_OFFSET_AND_MORE) & IPV6_FRAGMENT_BITS;
    identification = readInt32(bytes, header + IPV6_FRAGMENT_IDENTIFICATION);
  }
  const fragmentOffset = offsetAndMore >>> 3;
  readPorts(flow, bytes, offset, length, outbound, nextLayer & 0xff, 6, headerLength, fragmentOffset !== 0);
  flow[FlowWord.identification] = identification;
  // RFC 6946: a fragment header in a whole packet says nothing.
  flow[FlowWord.special] = specialOf(flow, length - headerLength, offsetAndMore !== 0, fragmentOffset);
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
    case PROTOCOL_MOBILITY:
      // RFC 6275 §6.1.1: the type is the third byte.
      if (laterFragment || room < 3) unknown = PORTS_UNKNOWN;
      else ports = bytes[at + 2]! << 24;
      break;
    case PROTOCOL_HOP_BY_HOP:
    case PROTOCOL_ROUTING:
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

/** @param room bytes behind the network headers @param fragmentOffset in units of 8 bytes */
function specialOf(flow: Flow, room: number, isFragment: boolean, fragmentOffset: number): number {
  const word = flow[FlowWord.protocol]!;
  const protocol = word & 0xff;
  const isTcp = protocol === PROTOCOL_TCP;
  if (fragmentOffset !== 0)
    return isTcp && fragmentOffset === 1 ? Special.hidingFragment : Special.laterFragment;
  const isKnown = (word & PORTS_UNKNOWN) === 0;
  if (isFragment && (!isKnown || (isTcp && room < TCP_FIRST_FRAGMENT_BYTES))) return Special.hidingFragment;
  if (isKnown && (protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6)) {
    const type = flow[FlowWord.ports]! >>> 8;
    // What is cut from an error would be carried unseen: its fragments are judged as the error is.
    if (isIcmpErrorType(protocol === PROTOCOL_ICMPV6 ? 6 : 4, type)) return Special.icmpError;
  }
  return isFragment ? Special.firstFragment : Special.none;
}
