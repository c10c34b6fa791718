// The packets that one turn seals and sends: sequence numbers (RFC 4303 §3.3.3), the rows of the engine and of the
// UDP devices, and what happens where either refuses. Which SA carries a packet was decided before.

import { ESP_HEADER_BYTES, sealedLength } from '../crypto/esp-transform.ts';
import type { SequenceBlock } from '../sad/security-association.ts';
import type { OutboundSa } from './associations.ts';
import type { Audit } from './audit.ts';
import { DatagramOut, JobStatus, SealJob, type BatchMemory } from './batch-memory.ts';
import { Later } from './capture/capture.ts';
import type { Captures } from './capture/captures.ts';
import type { Counters } from './counters.ts';
import type { Devices } from './devices.ts';
import { Drop, PASS, type DropReason } from './drop-reasons.ts';
import type { Engine } from './engine.ts';
import type { Lifetimes } from './lifetimes.ts';

const TWO_32 = 0x1_0000_0000;
/** Largest UDP payload over IPv4. */
export const MAX_TRAIN_BYTES = 65_507;
/** UDP_SEGMENT's limit in every kernel that has it. */
const MAX_TRAIN_SEGMENTS = 64;
const EAGAIN = 11;

/** What is to be sealed, and how it is cut: one object for all packets, so that none is made per packet. */
export interface SealRequest {
  frameOffset: number;
  frameLength: number;
  /** See {@link Segmentation}. */
  segmentation: number;
  networkHeaderLength: number;
  /** Network and transport header of a super-packet, 0 of any other. */
  headersLength: number;
  /** Transport payload of every segment but the last; the whole length where nothing is cut. */
  segmentSize: number;
  segments: number;
  /** -1 where no partial checksum is to be completed. */
  checksumStart: number;
  checksumOffset: number;
  /** RFC 4303 §2.6. */
  nextHeader: number;
  /** DSCP and ECN of the outer header. */
  trafficClass: number;
  /** No fragments outside. */
  dontFragment: boolean;
  /** Every inner packet is made so long (RFC 4303 §2.7); 0 = as it is. */
  paddedLength: number;
}

export function createSealRequest(): SealRequest {
  return {
    frameOffset: 0,
    frameLength: 0,
    segmentation: 0,
    networkHeaderLength: 0,
    headersLength: 0,
    segmentSize: 0,
    segments: 0,
    checksumStart: -1,
    checksumOffset: 0,
    nextHeader: 0,
    trafficClass: 0,
    dontFragment: false,
    paddedLength: 0,
  };
}

export interface SealQueueParts {
  readonly memory: BatchMemory;
  readonly devices: Devices;
  readonly engine: Engine;
  readonly counters: Counters;
  readonly lifetimes: Lifetimes;
  readonly audit: Audit;
  readonly captures: Pick<Captures, 'tap'>;
}

export class SealQueue {
  readonly #parts: SealQueueParts;
  #jobs = 0;
  #datagrams = 0;
  #sealedEnd: number;

  constructor(parts: SealQueueParts) {
    this.#parts = parts;
    this.#sealedEnd = parts.memory.sealedOffset;
  }

  /** True where the packets of the request fit into an empty queue, and each into a datagram. */
  canHold(request: SealRequest, sa: OutboundSa): boolean {
    const full = longestSealed(request, sa);
    return full <= MAX_TRAIN_BYTES && request.segments * full <= this.#parts.memory.limits.sealedBytes;
  }

  /** Holds the lifetime, reserves numbers, and writes the rows that {@link flush} seals and sends; flushes where it is full. */
  add(request: SealRequest, sa: OutboundSa): DropReason {
    const { memory, lifetimes } = this.#parts;
    const { segments } = request;
    const full = longestSealed(request, sa);
    const lastInner = request.frameLength - (segments - 1) * request.segmentSize;
    const last = sealedLength(sa.transform, Math.max(lastInner, request.paddedLength));
    const trainSegments = Math.min(MAX_TRAIN_SEGMENTS, Math.floor(MAX_TRAIN_BYTES / full));
    const { sealJobs, sealedBytes, datagramsOut } = memory.limits;
    if (
      this.#jobs === sealJobs ||
      this.#sealedEnd + segments * full > memory.sealedOffset + sealedBytes ||
      this.#datagrams + Math.ceil(segments / trainSegments) > datagramsOut
    )
      this.flush();
    const { ivBytes, icvBytes } = sa.transform;
    const protectedBytes = (segments - 1) * full + last - segments * (ESP_HEADER_BYTES + ivBytes + icvBytes);
    if (!lifetimes.admits(sa, segments, protectedBytes)) {
      // RFC 4301 §4.4.2.1: the packet that would cross a hard limit is not sent. What is queued was admitted.
      this.flush();
      lifetimes.endOutbound(sa, segments, protectedBytes);
      return Drop.outboundLifetime;
    }
    if (!sa.counter.has(segments) && !this.#advanceBlock(sa, segments)) return Drop.outboundSequenceExhausted;
    this.#writeSealJob(request, sa);
    this.#writeDatagrams(request, sa, full, last, trainSegments);
    this.#jobs++;
    sa.counter.take(segments);
    lifetimes.countOutbound(sa, segments, protectedBytes);
    return PASS;
  }

  /** Seals and sends what is queued. */
  flush(): void {
    if (this.#jobs === 0) return;
    const { memory, engine, devices, captures } = this.#parts;
    engine.seal(this.#jobs);
    const isSealed = this.#allSealed();
    if (isSealed) {
      devices.udpSend(this.#datagrams);
      this.#countUnsent();
      captures.tap?.sent(this.#datagrams);
    }
    captures.tap?.settle(Later.seal, isSealed ? PASS : Drop.outboundSequenceGuard);
    this.#jobs = 0;
    this.#datagrams = 0;
    this.#sealedEnd = memory.sealedOffset;
  }

  /** RFC 4303 §3.3.3: without reserved numbers nothing is sent. */
  #advanceBlock(sa: OutboundSa, segments: number): boolean {
    // What is queued still has numbers of the block that ends here.
    this.flush();
    const block: SequenceBlock | undefined = sa.counter.advance();
    if (block === undefined) return false;
    this.#parts.engine.grantSequenceNumbers(sa.slot, block.first, block.end);
    return sa.counter.has(segments);
  }

  #writeSealJob(request: SealRequest, sa: OutboundSa): void {
    const { sealJobs } = this.#parts.memory;
    const job = this.#jobs * SealJob.stride;
    const sequence = sa.counter.next();
    const sequenceHigh = Math.floor(sequence / TWO_32);
    sealJobs[job + SealJob.frameOffset] = request.frameOffset;
    sealJobs[job + SealJob.frameLength] = request.frameLength;
    sealJobs[job + SealJob.segmentation] = request.segmentation;
    sealJobs[job + SealJob.networkHeaderLength] = request.networkHeaderLength;
    sealJobs[job + SealJob.headersLength] = request.headersLength;
    sealJobs[job + SealJob.segmentSize] = request.segmentSize;
    sealJobs[job + SealJob.segments] = request.segments;
    sealJobs[job + SealJob.checksumStart] = request.checksumStart;
    sealJobs[job + SealJob.checksumOffset] = request.checksumOffset;
    sealJobs[job + SealJob.saSlot] = sa.slot;
    sealJobs[job + SealJob.sequenceLow] = sequence - sequenceHigh * TWO_32;
    sealJobs[job + SealJob.sequenceHigh] = sequenceHigh;
    sealJobs[job + SealJob.sealedOffset] = this.#sealedEnd;
    sealJobs[job + SealJob.nextHeader] = request.nextHeader;
    sealJobs[job + SealJob.paddedLength] = request.paddedLength;
  }

  /** Describes the ESP packets of the job as trains; packets as long as those of the train before go on in that one. */
  #writeDatagrams(
    request: SealRequest,
    sa: OutboundSa,
    full: number,
    last: number,
    trainSegments: number,
  ): void {
    const { datagramsOut } = this.#parts.memory;
    if (request.segments === 1) full = last;
    let left = request.segments;
    let taken = this.#roomInTrain(request, sa.endpoint, full);
    if (taken > 0) {
      taken = Math.min(taken, left);
      const length = (taken - 1) * full + (taken === left ? last : full);
      const row = (this.#datagrams - 1) * DatagramOut.stride;
      const before = datagramsOut[row + DatagramOut.length]!;
      if (datagramsOut[row + DatagramOut.segmentLength] === 0)
        datagramsOut[row + DatagramOut.segmentLength] = before;
      datagramsOut[row + DatagramOut.length] = before + length;
      this.#sealedEnd += length;
      left -= taken;
    }
    for (; left > 0; left -= taken) {
      taken = Math.min(left, trainSegments);
      const length = (taken - 1) * full + (taken === left ? last : full);
      const row = this.#datagrams * DatagramOut.stride;
      datagramsOut[row + DatagramOut.offset] = this.#sealedEnd;
      datagramsOut[row + DatagramOut.length] = length;
      datagramsOut[row + DatagramOut.segmentLength] = taken > 1 ? full : 0;
      datagramsOut[row + DatagramOut.endpoint] = sa.endpoint;
      datagramsOut[row + DatagramOut.trafficClass] = request.trafficClass;
      datagramsOut[row + DatagramOut.dontFragment] = request.dontFragment ? 1 : 0;
      this.#datagrams++;
      this.#sealedEnd += length;
    }
  }

  /** @returns how many ESP packets of a request, each but the last of `full` bytes, the last train still takes */
  #roomInTrain(request: SealRequest, endpoint: number, full: number): number {
    if (this.#datagrams === 0) return 0;
    const { datagramsOut } = this.#parts.memory;
    const row = (this.#datagrams - 1) * DatagramOut.stride;
    const length = datagramsOut[row + DatagramOut.length]!;
    const segmentLength = datagramsOut[row + DatagramOut.segmentLength]! || length;
    if (
      datagramsOut[row + DatagramOut.endpoint] !== endpoint ||
      datagramsOut[row + DatagramOut.trafficClass] !== request.trafficClass ||
      datagramsOut[row + DatagramOut.dontFragment] !== (request.dontFragment ? 1 : 0) ||
      datagramsOut[row + DatagramOut.offset]! + length !== this.#sealedEnd ||
      // A shorter packet was its last.
      length % segmentLength !== 0
    )
      return 0;
    const bytes = Math.min(MAX_TRAIN_BYTES, MAX_TRAIN_SEGMENTS * segmentLength) - length;
    if (full === segmentLength) return Math.floor(bytes / full);
    return request.segments === 1 && full < segmentLength && full <= bytes ? 1 : 0;
  }

  /** Fail closed: where one job was refused, nothing of the batch leaves. */
  #allSealed(): boolean {
    const { memory, counters, audit } = this.#parts;
    let sealed = true;
    let segments = 0;
    for (let job = 0; job < this.#jobs * SealJob.stride; job += SealJob.stride) {
      if (memory.sealJobs[job + SealJob.status] !== JobStatus.ok) sealed = false;
      segments += memory.sealJobs[job + SealJob.segments]!;
    }
    if (sealed) return true;
    counters[Drop.outboundSequenceGuard] = counters[Drop.outboundSequenceGuard]! + segments;
    audit.alone(Drop.outboundSequenceGuard);
    return false;
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

/** Bytes of the longest ESP packet of a request. */
export function longestSealed(request: SealRequest, sa: OutboundSa): number {
  return sealedLength(
    sa.transform,
    Math.max(request.headersLength + request.segmentSize, request.paddedLength),
  );
}
