// Cuts a TCP or UDP super-packet into the packets that go on the wire, as the kernel's GSO would: lengths,
// IPv4 identification, TCP sequence number and flags, checksums (RFC 791 §3.1, RFC 9293 §3.1, RFC 768).
// A frame that is no super-packet passes as it is, with its partial checksum completed.

import { Segmentation, SealJob } from '../batch-memory.ts';
import { readInt32, readUint16, writeInt32, writeUint16 } from '../../wire/bytes.ts';
import { IPV4_IDENTIFICATION, IPV4_TOTAL_LENGTH, writeIpv4Checksum } from '../../wire/ipv4.ts';
import { IPV6_HEADER_BYTES, IPV6_PAYLOAD_LENGTH } from '../../wire/ipv6.ts';
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../../wire/protocol-numbers.ts';
import { TCP_CWR, TCP_FIN, TCP_FLAGS, TCP_PSH, TCP_SEQUENCE_NUMBER } from '../../wire/tcp.ts';
import { UDP_LENGTH } from '../../wire/udp.ts';
import { completePartialChecksum, writeTransportChecksum } from './transport-checksum.ts';

/**
 * Writes the inner packet of segment `index` at `to`; the frame stays as it is.
 * @param row first cell of the {@link SealJob}, already checked
 * @returns its length in bytes
 */
export function writeInnerPacket(
  arena: Uint8Array,
  jobs: Int32Array,
  row: number,
  index: number,
  to: number,
): number {
  return jobs[row + SealJob.segmentation] === Segmentation.none
    ? writeWholeFrame(arena, jobs, row, to)
    : writeSegment(arena, jobs, row, index, to);
}

/** Inner length of segment `index`. */
export function segmentLength(jobs: Int32Array, row: number, index: number): number {
  const frameLength = jobs[row + SealJob.frameLength]!;
  if (jobs[row + SealJob.segmentation] === Segmentation.none) return frameLength;
  const headersLength = jobs[row + SealJob.headersLength]!;
  const segmentSize = jobs[row + SealJob.segmentSize]!;
  return headersLength + Math.min(segmentSize, frameLength - headersLength - index * segmentSize);
}

function writeWholeFrame(arena: Uint8Array, jobs: Int32Array, row: number, to: number): number {
  const frame = jobs[row + SealJob.frameOffset]!;
  const length = jobs[row + SealJob.frameLength]!;
  const checksumStart = jobs[row + SealJob.checksumStart]!;
  arena.copyWithin(to, frame, frame + length);
  if (checksumStart >= 0) {
    completePartialChecksum(arena, to + checksumStart, to + length, jobs[row + SealJob.checksumOffset]!);
  }
  return length;
}

function writeSegment(arena: Uint8Array, jobs: Int32Array, row: number, index: number, to: number): number {
  const frame = jobs[row + SealJob.frameOffset]!;
  const networkHeaderLength = jobs[row + SealJob.networkHeaderLength]!;
  const headersLength = jobs[row + SealJob.headersLength]!;
  const payloadOffset = index * jobs[row + SealJob.segmentSize]!;
  const length = segmentLength(jobs, row, index);
  const transport = to + networkHeaderLength;
  const transportLength = length - networkHeaderLength;

  arena.copyWithin(to, frame, frame + headersLength);
  const payload = frame + headersLength + payloadOffset;
  arena.copyWithin(to + headersLength, payload, payload + length - headersLength);

  writeNetworkHeader(arena, to, length, index);
  if (jobs[row + SealJob.segmentation] === Segmentation.tcp) {
    const isLast = index === jobs[row + SealJob.segments]! - 1;
    writeTcpHeader(arena, transport, payloadOffset, index === 0, isLast);
    writeTransportChecksum(arena, to, PROTOCOL_TCP, transport, transportLength);
  } else {
    writeUint16(arena, transport + UDP_LENGTH, transportLength);
    writeTransportChecksum(arena, to, PROTOCOL_UDP, transport, transportLength);
  }
  return length;
}

/** Length and, for IPv4, identification and header checksum. */
function writeNetworkHeader(bytes: Uint8Array, packet: number, packetLength: number, index: number): void {
  if (bytes[packet]! >>> 4 === 6) {
    // RFC 8200 §3: extension headers are part of the payload.
    writeUint16(bytes, packet + IPV6_PAYLOAD_LENGTH, packetLength - IPV6_HEADER_BYTES);
    return;
  }
  writeUint16(bytes, packet + IPV4_TOTAL_LENGTH, packetLength);
  writeUint16(
    bytes,
    packet + IPV4_IDENTIFICATION,
    (readUint16(bytes, packet + IPV4_IDENTIFICATION) + index) & 0xffff,
  );
  writeIpv4Checksum(bytes, packet);
}

function writeTcpHeader(
  bytes: Uint8Array,
  header: number,
  payloadOffset: number,
  isFirst: boolean,
  isLast: boolean,
): void {
  writeInt32(
    bytes,
    header + TCP_SEQUENCE_NUMBER,
    readInt32(bytes, header + TCP_SEQUENCE_NUMBER) + payloadOffset,
  );
  let flags = bytes[header + TCP_FLAGS]!;
  if (!isLast) flags &= ~(TCP_FIN | TCP_PSH);
  // RFC 3168 §6.1.2: the window was reduced once, so it is said once.
  if (!isFirst) flags &= ~TCP_CWR;
  bytes[header + TCP_FLAGS] = flags;
}
