// A run of packets of one flow that will leave as one super-packet, as the kernel's GRO would join them:
// only what the kernel's GSO on the other side of the TUN can cut into the very same packets again.

import { readInt32, readUint16, writeUint16 } from '../../wire/bytes.ts';
import { foldSum } from '../../wire/checksum.ts';
import {
  IPV4_FLAGS_AND_OFFSET,
  IPV4_IDENTIFICATION,
  IPV4_SOURCE,
  IPV4_TIME_TO_LIVE,
  IPV4_TOTAL_LENGTH,
  IPV4_TYPE_OF_SERVICE,
  writeIpv4Checksum,
} from '../../wire/ipv4.ts';
import { IPV6_HEADER_BYTES, IPV6_HOP_LIMIT, IPV6_PAYLOAD_LENGTH, IPV6_SOURCE } from '../../wire/ipv6.ts';
import { PROTOCOL_TCP } from '../../wire/protocol-numbers.ts';
import {
  TCP_ACKNOWLEDGMENT_NUMBER,
  TCP_FLAGS,
  TCP_HEADER_BYTES,
  TCP_PSH,
  TCP_SEQUENCE_NUMBER,
  TCP_URGENT_POINTER,
  TCP_WINDOW,
} from '../../wire/tcp.ts';
import { UDP_LENGTH } from '../../wire/udp.ts';
import { GsoType, NEEDS_CHECKSUM, OutFrame } from '../batch-memory.ts';
import type { InnerHeader } from './inner-header.ts';
import { checksumOffset, pseudoHeaderSum } from './transport-checksum.ts';

const MAX_PACKET_BYTES = 65_535;
/** UDP_MAX_SEGMENTS of the kernel before 6.9. */
const MAX_UDP_SEGMENTS = 64;
/** One writev takes 1024 vectors (IOV_MAX), and the virtio-net header is one of them. */
const MAX_TCP_SEGMENTS = 1023;
const IPV4_DONT_FRAGMENT = 0x4000;
/** The reserved bit and DF; MF is never set here. */
const IPV4_FLAG_BITS = 0xe000;

export class CoalescingGroup {
  /** The OutFrame row that this group becomes. */
  frame = 0;
  /** Where the first packet starts in the arena: its headers stand for all. */
  packet = 0;
  isIpv6 = false;
  protocol = 0;
  networkHeaderLength = 0;
  headersLength = 0;
  segmentSize = 0;
  segments = 0;
  payloadBytes = 0;
  /** True where no packet may follow: a short one or one with PSH was the last. */
  isComplete = false;
  #isPushed = false;

  start(arena: Uint8Array, header: InnerHeader, frame: number): void {
    this.frame = frame;
    this.packet = header.packet;
    this.isIpv6 = header.isIpv6;
    this.protocol = header.protocol;
    this.networkHeaderLength = header.networkHeaderLength;
    this.headersLength = header.headersLength;
    this.segmentSize = header.payloadLength;
    this.segments = 0;
    this.payloadBytes = 0;
    this.append(arena, header);
  }

  append(arena: Uint8Array, header: InnerHeader): void {
    this.segments++;
    this.payloadBytes += header.payloadLength;
    const flags = arena[header.packet + header.networkHeaderLength + TCP_FLAGS]!;
    this.#isPushed = this.protocol === PROTOCOL_TCP && (flags & TCP_PSH) !== 0;
    this.isComplete = this.#isPushed || header.payloadLength < this.segmentSize;
  }

  /** True where both have the same version, protocol, addresses and ports. */
  isFlowOf(arena: Uint8Array, header: InnerHeader): boolean {
    if (this.isIpv6 !== header.isIpv6 || this.protocol !== header.protocol) return false;
    // Neither has options or extension headers, so the ports stand directly behind the addresses.
    const from = this.isIpv6 ? IPV6_SOURCE : IPV4_SOURCE;
    return sameBytes(arena, this.packet + from, header.packet + from, header.networkHeaderLength + 4 - from);
  }

  /** True where the packet, which is of this flow and eligible, continues the group. */
  accepts(arena: Uint8Array, header: InnerHeader): boolean {
    return (
      header.payloadLength <= this.segmentSize &&
      this.headersLength + this.payloadBytes + header.payloadLength <= MAX_PACKET_BYTES &&
      (this.isIpv6 ? this.#sameIpv6Header(arena, header) : this.#sameIpv4Header(arena, header)) &&
      (this.protocol === PROTOCOL_TCP
        ? this.segments < MAX_TCP_SEGMENTS && this.#sameTcpHeader(arena, header)
        : this.segments < MAX_UDP_SEGMENTS)
    );
  }

  /** Turns the first packet's headers into those of the super-packet and fills the virtio-net fields of its row. */
  finish(arena: Uint8Array, outFrames: Int32Array): void {
    if (this.segments === 1) return;
    const isTcp = this.protocol === PROTOCOL_TCP;
    const transport = this.packet + this.networkHeaderLength;
    const packetLength = this.headersLength + this.payloadBytes;
    const transportLength = packetLength - this.networkHeaderLength;

    if (this.isIpv6) {
      writeUint16(arena, this.packet + IPV6_PAYLOAD_LENGTH, packetLength - IPV6_HEADER_BYTES);
    } else {
      writeUint16(arena, this.packet + IPV4_TOTAL_LENGTH, packetLength);
      writeIpv4Checksum(arena, this.packet);
    }
    if (!isTcp) writeUint16(arena, transport + UDP_LENGTH, transportLength);
    else if (this.#isPushed) arena[transport + TCP_FLAGS] = arena[transport + TCP_FLAGS]! | TCP_PSH;

    // NEEDS_CSUM: the field holds the sum of the pseudo-header; the kernel or the device adds the rest.
    const checksum = foldSum(pseudoHeaderSum(arena, this.packet, this.protocol, transportLength));
    writeUint16(arena, transport + checksumOffset(this.protocol), checksum);

    const row = this.frame * OutFrame.stride;
    outFrames[row + OutFrame.flags] = NEEDS_CHECKSUM;
    outFrames[row + OutFrame.gsoType] = !isTcp ? GsoType.udpL4 : this.isIpv6 ? GsoType.tcp6 : GsoType.tcp4;
    outFrames[row + OutFrame.headerLength] = this.headersLength;
    outFrames[row + OutFrame.segmentSize] = this.segmentSize;
    outFrames[row + OutFrame.checksumStart] = this.networkHeaderLength;
    outFrames[row + OutFrame.checksumOffset] = checksumOffset(this.protocol);
  }

  #sameIpv4Header(arena: Uint8Array, { packet }: InnerHeader): boolean {
    const flags = readUint16(arena, packet + IPV4_FLAGS_AND_OFFSET) & IPV4_FLAG_BITS;
    if (
      arena[packet + IPV4_TYPE_OF_SERVICE] !== arena[this.packet + IPV4_TYPE_OF_SERVICE] ||
      arena[packet + IPV4_TIME_TO_LIVE] !== arena[this.packet + IPV4_TIME_TO_LIVE] ||
      flags !== (readUint16(arena, this.packet + IPV4_FLAGS_AND_OFFSET) & IPV4_FLAG_BITS)
    ) {
      return false;
    }
    // RFC 6864 §4.1: in an atomic datagram the identification has no meaning.
    if ((flags & IPV4_DONT_FRAGMENT) !== 0) return true;
    const expected = readUint16(arena, this.packet + IPV4_IDENTIFICATION) + this.segments;
    return readUint16(arena, packet + IPV4_IDENTIFICATION) === (expected & 0xffff);
  }

  #sameIpv6Header(arena: Uint8Array, { packet }: InnerHeader): boolean {
    return (
      readInt32(arena, packet) === readInt32(arena, this.packet) &&
      arena[packet + IPV6_HOP_LIMIT] === arena[this.packet + IPV6_HOP_LIMIT]
    );
  }

  #sameTcpHeader(arena: Uint8Array, header: InnerHeader): boolean {
    const ours = this.packet + this.networkHeaderLength;
    const theirs = header.packet + header.networkHeaderLength;
    const expected = (readInt32(arena, ours + TCP_SEQUENCE_NUMBER) + this.payloadBytes) | 0;
    const optionsLength = this.headersLength - this.networkHeaderLength - TCP_HEADER_BYTES;
    return (
      header.headersLength === this.headersLength &&
      readInt32(arena, theirs + TCP_SEQUENCE_NUMBER) === expected &&
      sameBytes(arena, ours + TCP_ACKNOWLEDGMENT_NUMBER, theirs + TCP_ACKNOWLEDGMENT_NUMBER, 4) &&
      sameBytes(arena, ours + TCP_WINDOW, theirs + TCP_WINDOW, 2) &&
      sameBytes(arena, ours + TCP_URGENT_POINTER, theirs + TCP_URGENT_POINTER, 2) &&
      sameBytes(arena, ours + TCP_HEADER_BYTES, theirs + TCP_HEADER_BYTES, optionsLength)
    );
  }
}

function sameBytes(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}
