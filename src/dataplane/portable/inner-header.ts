// What coalescing must know of one decrypted inner packet. Only plain TCP and UDP are understood: no IPv4
// options, no fragments, no IPv6 extension headers; whatever else there is passes as it is.

import { readUint16 } from '../../wire/bytes.ts';
import { addToSum, foldSum } from '../../wire/checksum.ts';
import {
  checkIpv4Length,
  IPV4_HEADER_BYTES,
  IPV4_PROTOCOL,
  ipv4HeaderLength,
  ipv4IsFragment,
} from '../../wire/ipv4.ts';
import { checkIpv6Length, IPV6_HEADER_BYTES, IPV6_NEXT_HEADER } from '../../wire/ipv6.ts';
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../../wire/protocol-numbers.ts';
import {
  TCP_ACK,
  TCP_DATA_OFFSET,
  TCP_FLAGS,
  TCP_HEADER_BYTES,
  TCP_PSH,
  tcpHeaderLength,
} from '../../wire/tcp.ts';
import { UDP_CHECKSUM, UDP_HEADER_BYTES, UDP_LENGTH } from '../../wire/udp.ts';
import { transportChecksumHolds } from './transport-checksum.ts';

/** One object serves every packet of a batch, so that none is allocated per packet. */
export class InnerHeader {
  /** Where the packet starts in the arena. */
  packet = 0;
  isIpv6 = false;
  protocol = 0;
  networkHeaderLength = 0;
  /** Network and transport header. */
  headersLength = 0;
  payloadLength = 0;

  /** @returns false where the packet is none that coalescing understands; the fields are unspecified then */
  parse(arena: Uint8Array, packet: number, length: number): boolean {
    if (length < IPV4_HEADER_BYTES) return false;
    this.packet = packet;
    const version = arena[packet]! >>> 4;
    this.isIpv6 = version === 6;
    if (version === 4) {
      if (!checkIpv4Length(arena, packet, length) || ipv4IsFragment(arena, packet)) return false;
      if (ipv4HeaderLength(arena, packet) !== IPV4_HEADER_BYTES) return false;
      this.networkHeaderLength = IPV4_HEADER_BYTES;
      this.protocol = arena[packet + IPV4_PROTOCOL]!;
    } else if (version === 6) {
      if (!checkIpv6Length(arena, packet, length)) return false;
      this.networkHeaderLength = IPV6_HEADER_BYTES;
      this.protocol = arena[packet + IPV6_NEXT_HEADER]!;
    } else {
      return false;
    }
    const transportLength = length - this.networkHeaderLength;
    const transportHeaderLength = this.#transportHeaderLength(arena, transportLength);
    if (transportHeaderLength < 0) return false;
    this.headersLength = this.networkHeaderLength + transportHeaderLength;
    this.payloadLength = transportLength - transportHeaderLength;
    return true;
  }

  /** True where the packet may start or join a group: nothing in it would be lost, and its checksums are right. */
  isEligible(arena: Uint8Array): boolean {
    if (this.payloadLength === 0 || !this.#headerChecksumHolds(arena)) return false;
    const transport = this.packet + this.networkHeaderLength;
    if (this.protocol === PROTOCOL_TCP) {
      // RFC 9293 §3.1: the low half of byte 12 is reserved; every other flag means something of its own.
      if ((arena[transport + TCP_DATA_OFFSET]! & 0x0f) !== 0) return false;
      if ((arena[transport + TCP_FLAGS]! & ~TCP_PSH) !== TCP_ACK) return false;
    } else if (readUint16(arena, transport + UDP_CHECKSUM) === 0) {
      // RFC 768: the sender made no checksum; one packet of a group cannot say so.
      return false;
    }
    const transportLength = this.headersLength - this.networkHeaderLength + this.payloadLength;
    return transportChecksumHolds(arena, this.packet, this.protocol, transport, transportLength);
  }

  /** A joined header's checksum is written anew, which would mend a damaged one (RFC 791 §3.1: it is discarded). */
  #headerChecksumHolds(arena: Uint8Array): boolean {
    return this.isIpv6 || foldSum(addToSum(0, arena, this.packet, IPV4_HEADER_BYTES)) === 0xffff;
  }

  /** @returns -1 where the protocol is another or the header does not fit */
  #transportHeaderLength(arena: Uint8Array, transportLength: number): number {
    const transport = this.packet + this.networkHeaderLength;
    switch (this.protocol) {
      case PROTOCOL_TCP: {
        if (transportLength < TCP_HEADER_BYTES) return -1;
        const headerLength = tcpHeaderLength(arena, transport);
        return headerLength >= TCP_HEADER_BYTES && headerLength <= transportLength ? headerLength : -1;
      }
      case PROTOCOL_UDP:
        if (transportLength < UDP_HEADER_BYTES) return -1;
        return readUint16(arena, transport + UDP_LENGTH) === transportLength ? UDP_HEADER_BYTES : -1;
      default:
        return -1;
    }
  }
}
