// The way of an outbound packet, RFC 4301 §5.1:
//
//   TUN ──► selectors ──► SPD-O ──► SAD: outbound SA ──► sequence numbers ──► ESP encapsulate ──► UDP 4500
//
// Each step is a method below, in this order. A packet that does not go on is counted with its reason.

import { sealedLength } from '../crypto/esp-transform.ts';
import type { SequenceBlock } from '../sad/security-association.ts';
import { SaField } from '../sad/sa-state.ts';
import type { SpdSnapshot } from '../spd/snapshot.ts';
import { PROTOCOL_IPV4, PROTOCOL_IPV6, PROTOCOL_TCP, PROTOCOL_UDP } from '../wire/protocol-numbers.ts';
import { tcpHeaderLength, TCP_HEADER_BYTES } from '../wire/tcp.ts';
import { UDP_HEADER_BYTES } from '../wire/udp.ts';
import type { Associations, OutboundSa } from './associations.ts';
import {
  DatagramOut,
  Frame,
  GsoType,
  JobStatus,
  NEEDS_CHECKSUM,
  SealJob,
  Segmentation,
  type BatchMemory,
} from './batch-memory.ts';
import { Counter, type Counters } from './counters.ts';
import type { Devices } from './devices.ts';
import { Drop, PASS, type DropReason } from './drop-reasons.ts';
import { readTrafficClass } from './ecn.ts';
import type { Engine } from './engine.ts';
import { clampMss } from './mss-clamp.ts';
import { SpdOutbound } from './spd-outbound.ts';

const TWO_32 = 0x1_0000_0000;
/** Largest UDP payload over IPv4. */
const MAX_TRAIN_BYTES = 65_507;
/** UDP_SEGMENT's limit in every kernel that has it. */
const MAX_TRAIN_SEGMENTS = 64;
const EAGAIN = 11;

/** What one worker's outbound path is made of. */
export interface OutboundParts {
  readonly memory: BatchMemory;
  readonly devices: Devices;
  readonly engine: Engine;
  readonly associations: Associations;
  readonly counters: Counters;
  /** Largest inner packet, to clamp TCP to. */
  readonly innerMtu: number;
  readonly flowSeed: number;
  /** Called, rarely, when an SA needs its next block of sequence numbers. */
  readonly onSequenceLow: (policy: string) => void;
}

export class Outbound {
  readonly #parts: OutboundParts;
  readonly #spd: SpdOutbound;
  /** How the frame in work is to be cut; written by {@link #planSegments}. */
  #segmentation = 0;
  #headersLength = 0;
  #segmentSize = 0;
  #segments = 0;
  /** Queued for the next seal and send. */
  #jobs = 0;
  #datagrams = 0;
  #sealedEnd = 0;

  constructor(parts: OutboundParts, snapshot: SpdSnapshot) {
    this.#parts = parts;
    this.#spd = new SpdOutbound(snapshot, parts.associations, parts.flowSeed);
  }

  /** Packets read after this call meet the new policies. Never called while a batch is in work. */
  useSnapshot(snapshot: SpdSnapshot): void {
    this.#spd.useSnapshot(snapshot);
  }

  /** Takes one batch from the TUN to the peers. @returns how many frames there were */
  process(): number {
    const { memory, devices, counters } = this.#parts;
    const count = devices.tunRead();
    this.#jobs = 0;
    this.#datagrams = 0;
    this.#sealedEnd = memory.sealedOffset;
    for (let row = 0; row < count; row++) {
      const reason = this.#processFrame(row * Frame.stride);
      if (reason !== PASS) counters[reason] = counters[reason]! + 1;
    }
    this.#flush();
    return count;
  }

  #processFrame(row: number): DropReason {
    const { memory, associations } = this.#parts;
    const offset = memory.frames[row + Frame.offset]!;
    const length = memory.frames[row + Frame.length]!;
    const verdict = this.#spd.judge(memory.arena, offset, length);
    if (verdict < 0) return -verdict;
    const sa = associations.outboundOf(verdict);
    if (sa === undefined) return Drop.outboundNoSa;
    this.#clampMss(row, offset, length);
    const reason = this.#planSegments(row, offset, length, sa);
    if (reason !== PASS) return reason;
    return this.#queue(row, offset, length, sa);
  }

  #clampMss(row: number, offset: number, length: number): void {
    const spd = this.#spd;
    if (spd.protocol !== PROTOCOL_TCP) return;
    const { memory, innerMtu } = this.#parts;
    const partial = (memory.frames[row + Frame.flags]! & NEEDS_CHECKSUM) !== 0;
    clampMss(memory.arena, offset + spd.transportOffset, offset + length, spd.family, innerMtu, partial);
  }

  /** Reads how a super-packet is to be cut. The header length comes from TCP itself, not from the TUN's hint. */
  #planSegments(row: number, offset: number, length: number, sa: OutboundSa): DropReason {
    const { frames, limits } = this.#parts.memory;
    const gsoType = frames[row + Frame.gsoType]! & ~GsoType.ecnFlag;
    if (gsoType === GsoType.none) {
      this.#segmentation = Segmentation.none;
      this.#headersLength = 0;
      this.#segmentSize = length;
      this.#segments = 1;
      if (!this.#isChecksumInside(row, length)) return Drop.outboundMalformed;
      return sealedLength(sa.transform, length) <= MAX_TRAIN_BYTES ? PASS : Drop.outboundUnsplittable;
    }
    const transportLength = this.#transportHeaderLength(gsoType, offset, length);
    const payload = length - this.#spd.transportOffset - transportLength;
    const segmentSize = frames[row + Frame.segmentSize]!;
    if (transportLength === 0 || payload <= 0 || segmentSize <= 0) return Drop.outboundUnsplittable;
    this.#segmentation = gsoType === GsoType.udpL4 ? Segmentation.udp : Segmentation.tcp;
    this.#headersLength = this.#spd.transportOffset + transportLength;
    this.#segmentSize = Math.min(segmentSize, payload);
    this.#segments = Math.ceil(payload / segmentSize);
    const full = sealedLength(sa.transform, this.#headersLength + this.#segmentSize);
    return full <= MAX_TRAIN_BYTES && this.#segments * full <= limits.sealedBytes
      ? PASS
      : Drop.outboundUnsplittable;
  }

  /** True where the frame has no partial checksum, or one that lies inside it. */
  #isChecksumInside(row: number, length: number): boolean {
    const { frames } = this.#parts.memory;
    if ((frames[row + Frame.flags]! & NEEDS_CHECKSUM) === 0) return true;
    const start = frames[row + Frame.checksumStart]!;
    const offset = frames[row + Frame.checksumOffset]!;
    return start >= 0 && offset >= 0 && start + offset + 2 <= length;
  }

  /** @returns bytes; 0 where the super-packet is not of the protocol that its GSO type says */
  #transportHeaderLength(gsoType: number, offset: number, length: number): number {
    const { protocol } = this.#spd;
    const transport = this.#spd.transportOffset;
    if (gsoType === GsoType.udpL4) return protocol === PROTOCOL_UDP ? UDP_HEADER_BYTES : 0;
    const isTcp = gsoType === GsoType.tcp4 || gsoType === GsoType.tcp6;
    if (!isTcp || protocol !== PROTOCOL_TCP || length < transport + TCP_HEADER_BYTES) return 0;
    const headerLength = tcpHeaderLength(this.#parts.memory.arena, offset + transport);
    return headerLength >= TCP_HEADER_BYTES ? headerLength : 0;
  }

  /** Reserves sequence numbers, and writes the rows that {@link #flush} seals and sends. */
  #queue(row: number, offset: number, length: number, sa: OutboundSa): DropReason {
    const { memory, counters } = this.#parts;
    const segments = this.#segments;
    const full = sealedLength(sa.transform, this.#headersLength + this.#segmentSize);
    const last = sealedLength(sa.transform, length - (segments - 1) * this.#segmentSize);
    const trainSegments = Math.min(MAX_TRAIN_SEGMENTS, Math.floor(MAX_TRAIN_BYTES / full));
    const { sealJobs, sealedBytes, datagramsOut } = memory.limits;
    if (
      this.#jobs === sealJobs ||
      this.#sealedEnd + segments * full > memory.sealedOffset + sealedBytes ||
      this.#datagrams + Math.ceil(segments / trainSegments) > datagramsOut
    )
      this.#flush();
    if (!sa.counter.has(segments) && !this.#advanceBlock(sa)) return Drop.outboundSequenceExhausted;
    this.#writeSealJob(row, offset, length, sa);
    this.#writeDatagrams(sa, readTrafficClass(memory.arena, offset), full, last, trainSegments);
    this.#jobs++;
    sa.counter.take(segments);
    const { state } = sa;
    state[SaField.packets] = state[SaField.packets]! + segments;
    state[SaField.bytes] = state[SaField.bytes]! + length + (segments - 1) * this.#headersLength;
    state[SaField.lastUsedMs] = memory.clock[0]!;
    counters[Counter.outboundPackets] = counters[Counter.outboundPackets]! + segments;
    if (sa.counter.shouldAsk()) this.#parts.onSequenceLow(sa.policy);
    return PASS;
  }

  /** RFC 4303 §3.3.3: without reserved numbers nothing is sent. */
  #advanceBlock(sa: OutboundSa): boolean {
    // What is queued still has numbers of the block that ends here.
    this.#flush();
    const block: SequenceBlock | undefined = sa.counter.advance();
    if (block === undefined) return false;
    this.#parts.engine.grantSequenceNumbers(sa.slot, block.first, block.end);
    return sa.counter.has(this.#segments);
  }

  #writeSealJob(row: number, offset: number, length: number, sa: OutboundSa): void {
    const { frames, sealJobs } = this.#parts.memory;
    const job = this.#jobs * SealJob.stride;
    const sequence = sa.counter.next();
    const sequenceHigh = Math.floor(sequence / TWO_32);
    const partial =
      this.#segmentation === Segmentation.none && (frames[row + Frame.flags]! & NEEDS_CHECKSUM) !== 0;
    sealJobs[job + SealJob.frameOffset] = offset;
    sealJobs[job + SealJob.frameLength] = length;
    sealJobs[job + SealJob.segmentation] = this.#segmentation;
    sealJobs[job + SealJob.networkHeaderLength] = this.#spd.transportOffset;
    sealJobs[job + SealJob.headersLength] = this.#headersLength;
    sealJobs[job + SealJob.segmentSize] = this.#segmentSize;
    sealJobs[job + SealJob.segments] = this.#segments;
    sealJobs[job + SealJob.checksumStart] = partial ? frames[row + Frame.checksumStart]! : -1;
    sealJobs[job + SealJob.checksumOffset] = frames[row + Frame.checksumOffset]!;
    sealJobs[job + SealJob.saSlot] = sa.slot;
    sealJobs[job + SealJob.sequenceLow] = sequence - sequenceHigh * TWO_32;
    sealJobs[job + SealJob.sequenceHigh] = sequenceHigh;
    sealJobs[job + SealJob.sealedOffset] = this.#sealedEnd;
    sealJobs[job + SealJob.nextHeader] = this.#spd.family === 4 ? PROTOCOL_IPV4 : PROTOCOL_IPV6;
  }

  /** Describes the ESP packets of the job as trains; a run of equal packets goes on in the train before. */
  #writeDatagrams(
    sa: OutboundSa,
    trafficClass: number,
    full: number,
    last: number,
    trainSegments: number,
  ): void {
    let offset = this.#sealedEnd;
    let left = this.#segments;
    if (left === 1) full = last;
    while (left > 0) {
      const segments = Math.min(left, trainSegments);
      const length = (segments - 1) * full + (segments === left ? last : full);
      this.#appendTrain(sa.endpoint, trafficClass, offset, length, full);
      offset += length;
      left -= segments;
    }
    this.#sealedEnd = offset;
  }

  #appendTrain(endpoint: number, trafficClass: number, offset: number, length: number, full: number): void {
    const { datagramsOut } = this.#parts.memory;
    const before = (this.#datagrams - 1) * DatagramOut.stride;
    if (this.#datagrams > 0 && length <= full) {
      const beforeLength = datagramsOut[before + DatagramOut.length]!;
      const segmentLength = datagramsOut[before + DatagramOut.segmentLength]! || beforeLength;
      const joined = beforeLength + length;
      if (
        length <= segmentLength &&
        beforeLength % segmentLength === 0 &&
        joined <= Math.min(MAX_TRAIN_BYTES, MAX_TRAIN_SEGMENTS * segmentLength) &&
        datagramsOut[before + DatagramOut.endpoint] === endpoint &&
        datagramsOut[before + DatagramOut.trafficClass] === trafficClass &&
        datagramsOut[before + DatagramOut.offset]! + beforeLength === offset
      ) {
        datagramsOut[before + DatagramOut.length] = joined;
        datagramsOut[before + DatagramOut.segmentLength] = segmentLength;
        return;
      }
    }
    const row = this.#datagrams * DatagramOut.stride;
    datagramsOut[row + DatagramOut.offset] = offset;
    datagramsOut[row + DatagramOut.length] = length;
    datagramsOut[row + DatagramOut.segmentLength] = length > full ? full : 0;
    datagramsOut[row + DatagramOut.endpoint] = endpoint;
    datagramsOut[row + DatagramOut.trafficClass] = trafficClass;
    this.#datagrams++;
  }

  /** Seals and sends what is queued. */
  #flush(): void {
    if (this.#jobs === 0) return;
    const { memory, engine, devices } = this.#parts;
    engine.seal(this.#jobs);
    if (this.#allSealed()) {
      devices.udpSend(this.#datagrams);
      this.#countUnsent();
    }
    this.#jobs = 0;
    this.#datagrams = 0;
    this.#sealedEnd = memory.sealedOffset;
  }

  /** Fail closed: where one job was refused, nothing of the batch leaves. */
  #allSealed(): boolean {
    const { memory, counters } = this.#parts;
    let sealed = true;
    let segments = 0;
    for (let job = 0; job < this.#jobs * SealJob.stride; job += SealJob.stride) {
      if (memory.sealJobs[job + SealJob.status] !== JobStatus.ok) sealed = false;
      segments += memory.sealJobs[job + SealJob.segments]!;
    }
    if (!sealed) counters[Drop.outboundSequenceGuard] = counters[Drop.outboundSequenceGuard]! + segments;
    return sealed;
  }

  #countUnsent(): void {
    const { memory, counters } = this.#parts;
    for (let row = 0; row < this.#datagrams * DatagramOut.stride; row += DatagramOut.stride) {
      const errno = memory.datagramsOut[row + DatagramOut.status]!;
      if (errno === 0) continue;
      const segmentLength = memory.datagramsOut[row + DatagramOut.segmentLength]!;
      const length = memory.datagramsOut[row + DatagramOut.length]!;
      const packets = segmentLength === 0 ? 1 : Math.ceil(length / segmentLength);
      const reason = errno === EAGAIN ? Drop.outboundSendBufferFull : Drop.outboundSendFailed;
      counters[reason] = counters[reason]! + packets;
    }
  }
}
