// Inner packets that do not fit the path MTU, RFC 4301 §8.2.1 and RFC 4303 §3.3.4: who must not be cut is told (ICMP), the others are
// fragmented inside. Outside are fragmented only those for which neither is possible:
//
//   IPv4, DF set, and IPv6 above 1280 bytes    "fragmentation needed", "packet too big"; dropped
//   IPv4, DF clear                             fragments inside
//   IPv4, DF clear, selectors with ports       fragments outside: the peer could not judge later ones (RFC 4301 §7)
//   IPv6 up to 1280 bytes                      fragments outside: nobody may be told less (RFC 8200 §5)

import { largestInnerPacket } from '../crypto/esp-transform.ts';
import { addToSum, foldSum } from '../wire/checksum.ts';
import { readUint16, writeUint16 } from '../wire/bytes.ts';
import { IPV4_TOTAL_LENGTH, ipv4DontFragment, ipv4HeaderLength } from '../wire/ipv4.ts';
import type { OutboundSa } from './associations.ts';
import {
  MAX_FRAME_BYTES,
  OutFrame,
  SCRATCH_BYTES,
  SealJob,
  Segmentation,
  Vector,
  type BatchMemory,
} from './batch-memory.ts';
import { Counter, type Counters } from './counters.ts';
import type { Devices } from './devices.ts';
import { Drop, PASS, type DropReason } from './drop-reasons.ts';
import { fragmentPayload, writeFragment } from './inner-fragments.ts';
import { writeInnerPacket } from './portable/segmentation.ts';
import type { SealRequest } from './seal-queue.ts';
import { TokenBucket } from './token-bucket.ts';
import { writeTooBigMessage } from './too-big-message.ts';

/** RFC 8200 §5. */
const IPV6_MINIMUM_MTU = 1280;
const MESSAGES_PER_SECOND = 100;
const MESSAGE_BURST = 50;
/** The scratch room holds one whole packet, then fragments, then one ICMP message. */
const FRAGMENTS = MAX_FRAME_BYTES;
const MESSAGE = SCRATCH_BYTES - 2048;

export interface OversizedParts {
  readonly memory: BatchMemory;
  readonly devices: Devices;
  readonly counters: Counters;
  /** Seals what the request says. */
  readonly seal: (sa: OutboundSa) => DropReason;
  /** Sends what was sealed, so that its memory is free. */
  readonly flush: () => void;
  /** Writes what waits in the OutFrame rows, so that they are free. */
  readonly freeOutFrames: () => void;
}

export class OversizedPackets {
  readonly #parts: OversizedParts;
  /** What `seal` seals. */
  readonly #request: SealRequest;
  readonly #messages = new TokenBucket(MESSAGES_PER_SECOND, MESSAGE_BURST);
  readonly #job = new Int32Array(SealJob.stride);
  /** End of the fragments that wait to be sealed. */
  #used = FRAGMENTS;

  constructor(parts: OversizedParts, request: SealRequest) {
    this.#parts = parts;
    this.#request = request;
  }

  /** Nothing of the batch before waits any more. */
  startBatch(): void {
    this.#used = FRAGMENTS;
  }

  /** Handles the packet of the request, which has no room in what the path to the SA's peer carries. */
  handle(sa: OutboundSa): DropReason {
    const { arena } = this.#parts.memory;
    const request = this.#request;
    const mtu = largestInnerPacket(sa.transform, sa.peer.path.espRoom);
    const packet = request.frameOffset;
    const longest = request.headersLength + request.segmentSize;
    if (arena[packet]! >>> 4 === 6) {
      if (longest > IPV6_MINIMUM_MTU) return this.#refuse(Math.max(mtu, IPV6_MINIMUM_MTU));
      return this.#sealForFragmentsOutside(sa);
    }
    if (ipv4DontFragment(arena, packet)) return this.#refuse(mtu);
    if (sa.selectsPorts) return this.#sealForFragmentsOutside(sa);
    return request.segmentation === Segmentation.none ? this.#cutWhole(sa, mtu) : this.#cutSegments(sa, mtu);
  }

  /** Tells the sender, unless it was told too often. */
  #refuse(mtu: number): DropReason {
    const { memory, devices, counters } = this.#parts;
    if (!this.#messages.take(memory.clock[0]!)) return Drop.outboundTooBig;
    const { frameOffset, frameLength } = this.#request;
    const to = memory.scratchOffset + MESSAGE;
    const length = writeTooBigMessage(memory.arena, frameOffset, frameLength, mtu, to);
    if (length === 0) return Drop.outboundTooBig;
    this.#parts.freeOutFrames();
    memory.outFrames.fill(0, 0, OutFrame.stride);
    memory.outFrames[OutFrame.vectorCount] = 1;
    memory.vectors[Vector.offset] = to;
    memory.vectors[Vector.length] = length;
    if (devices.tunWrite(1) === 1) counters[Counter.tooBigMessages] = counters[Counter.tooBigMessages]! + 1;
    return Drop.outboundTooBig;
  }

  #sealForFragmentsOutside(sa: OutboundSa): DropReason {
    this.#request.dontFragment = false;
    return this.#parts.seal(sa);
  }

  #cutWhole(sa: OutboundSa, mtu: number): DropReason {
    const { memory } = this.#parts;
    const request = this.#request;
    if (request.checksumStart < 0) return this.#cut(sa, mtu, request.frameOffset);
    // The transport's checksum covers what is cut, so it is completed before.
    const packet = memory.scratchOffset;
    memory.arena.copyWithin(packet, request.frameOffset, request.frameOffset + request.frameLength);
    const start = packet + request.checksumStart;
    const sum = foldSum(addToSum(0, memory.arena, start, request.frameLength - request.checksumStart));
    // RFC 768: a UDP checksum of 0 would mean that there is none; TCP takes either zero.
    writeUint16(memory.arena, start + request.checksumOffset, ~sum & 0xffff || 0xffff);
    return this.#cut(sa, mtu, packet);
  }

  /** A super-packet whose segments are too long: each is written by itself, and then cut. */
  #cutSegments(sa: OutboundSa, mtu: number): DropReason {
    const { memory } = this.#parts;
    const request = this.#request;
    const job = this.#job;
    job[SealJob.frameOffset] = request.frameOffset;
    job[SealJob.frameLength] = request.frameLength;
    job[SealJob.segmentation] = request.segmentation;
    job[SealJob.networkHeaderLength] = request.networkHeaderLength;
    job[SealJob.headersLength] = request.headersLength;
    job[SealJob.segmentSize] = request.segmentSize;
    job[SealJob.segments] = request.segments;
    for (let segment = 0; segment < job[SealJob.segments]!; segment++) {
      writeInnerPacket(memory.arena, job, 0, segment, memory.scratchOffset);
      const reason = this.#cut(sa, mtu, memory.scratchOffset);
      if (reason !== PASS) return reason;
    }
    return PASS;
  }

  /** Cuts the packet at `packet` and seals each piece. */
  #cut(sa: OutboundSa, mtu: number, packet: number): DropReason {
    const { memory, seal, flush } = this.#parts;
    const { arena, scratchOffset } = memory;
    const whole = readUint16(arena, packet + IPV4_TOTAL_LENGTH) - ipv4HeaderLength(arena, packet);
    const payload = fragmentPayload(arena, packet, mtu);
    if (payload <= 0) return Drop.outboundTooBig;
    for (let start = 0; start < whole; start += payload) {
      if (this.#used + mtu > MESSAGE) {
        flush();
        this.#used = FRAGMENTS;
      }
      const to = scratchOffset + this.#used;
      const length = writeFragment(arena, packet, start, payload, to);
      this.#used += length;
      this.#requestWhole(to, length);
      const reason = seal(sa);
      if (reason !== PASS) return reason;
    }
    return PASS;
  }

  #requestWhole(offset: number, length: number): void {
    const request = this.#request;
    request.frameOffset = offset;
    request.frameLength = length;
    request.segmentation = Segmentation.none;
    request.headersLength = 0;
    request.segmentSize = length;
    request.segments = 1;
    request.checksumStart = -1;
  }
}
