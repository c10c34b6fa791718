// The way of an outbound packet, RFC 4301 §5.1:
//
//   TUN ──► selectors ──► SPD-O ──► SAD: outbound SA ──► sequence numbers ──► ESP encapsulate ──► UDP 4500
//                           └─ BYPASS ──► out in clear
//
// Each step is a method below, in this order. A packet that does not go on is counted with its reason.

import { largestInnerPacket, sealedLength } from '../crypto/esp-transform.ts';
import type { SaReference } from '../sad/security-association.ts';
import { SaField } from '../sad/sa-state.ts';
import type { SpdSnapshot } from '../spd/snapshot.ts';
import { PROTOCOL_IPV4, PROTOCOL_IPV6, PROTOCOL_TCP, PROTOCOL_UDP } from '../wire/protocol-numbers.ts';
import { tcpHeaderLength, TCP_HEADER_BYTES } from '../wire/tcp.ts';
import { UDP_HEADER_BYTES } from '../wire/udp.ts';
import { Acquires } from './acquires.ts';
import type { Associations, OutboundSa } from './associations.ts';
import type { Audit } from './audit.ts';
import { Frame, GsoType, NEEDS_CHECKSUM, Segmentation, type BatchMemory } from './batch-memory.ts';
import { Later } from './capture/capture.ts';
import { ownerOf, ownerOfPolicy, type CaptureTap } from './capture/capture-tap.ts';
import type { Captures } from './capture/captures.ts';
import { ClearQueue } from './clear-queue.ts';
import type { DataPlaneEvent } from './commands.ts';
import { Counter, type Counters } from './counters.ts';
import type { Devices } from './devices.ts';
import { Drop, PASS, type DropReason } from './drop-reasons.ts';
import { DummyPackets } from './dummy-packets.ts';
import type { Engine } from './engine.ts';
import type { Lifetimes } from './lifetimes.ts';
import { clampMss } from './mss-clamp.ts';
import { outerDontFragment, outerTrafficClass } from './outer-header.ts';
import { OversizedPackets } from './oversized-packets.ts';
import {
  createSealRequest,
  longestSealed,
  MAX_TRAIN_BYTES,
  SealQueue,
  type SealRequest,
} from './seal-queue.ts';
import { ACQUIRE, BYPASS, SpdOutbound } from './spd-outbound.ts';
import type { HandOver } from './workers/hand-over.ts';
import { FIRST_WORKER } from './workers/share.ts';

/** What one worker's outbound path is made of. */
export interface OutboundParts {
  readonly memory: BatchMemory;
  readonly devices: Devices;
  readonly engine: Engine;
  readonly associations: Associations;
  readonly lifetimes: Lifetimes;
  readonly audit: Audit;
  readonly counters: Counters;
  /** Largest inner packet, to clamp TCP to. */
  readonly innerMtu: number;
  readonly raisesHopLimit: boolean;
  readonly flowSeed: number;
  readonly lastAcquireId?: number;
  /** Left out: there is one worker. */
  readonly handOver?: HandOver | undefined;
  readonly captures: Pick<Captures, 'tap'>;
  /** Called, rarely, when an SA needs its next block of sequence numbers. */
  readonly onSequenceLow: (sa: SaReference) => void;
  readonly onEvent: (event: DataPlaneEvent) => void;
}

export class Outbound {
  readonly #parts: OutboundParts;
  readonly #spd: SpdOutbound;
  readonly #queue: SealQueue;
  readonly #clear: ClearQueue;
  /** How the frame in work is to be cut; written by {@link #planSegments}. */
  readonly #request: SealRequest = createSealRequest();
  readonly #oversized: OversizedPackets;
  readonly #dummies: DummyPackets;
  readonly #acquires: Acquires;
  /** Of the frame judged last. */
  #verdict = 0;
  /** The frame judged last is another worker's. */
  #isHandedOver = false;
  /** The frames of this batch were handed over by other workers. */
  #areTaken = false;

  constructor(parts: OutboundParts, snapshot: SpdSnapshot) {
    this.#parts = parts;
    this.#spd = new SpdOutbound(snapshot, parts.associations, parts.flowSeed, parts.memory.clock);
    this.#acquires = new Acquires(parts);
    this.#queue = new SealQueue(parts);
    this.#clear = new ClearQueue(parts);
    const seal = (sa: OutboundSa): DropReason => this.#seal(sa);
    const flush = (): void => {
      this.#queue.flush();
    };
    const freeOutFrames = (): void => {
      this.#clear.flush();
    };
    this.#oversized = new OversizedPackets({ ...parts, seal, flush, freeOutFrames }, this.#request);
    this.#dummies = new DummyPackets(parts.memory, parts.innerMtu, parts.flowSeed);
  }

  /** Packets read after this call meet the new policies. Never called while a batch is in work. */
  useSnapshot(snapshot: SpdSnapshot): void {
    this.#spd.useSnapshot(snapshot);
    this.#acquires.usePolicies(snapshot);
  }

  /** Asks IKE for SAs, and keeps what waits for them. */
  get acquires(): Acquires {
    return this.#acquires;
  }

  /** Takes one batch from the TUN to the peers. @returns how many frames there were */
  process(): number {
    const { memory, counters, lifetimes, audit, captures } = this.#parts;
    const { tap } = captures;
    const count = this.#nextFrames();
    lifetimes.expireDue(memory.clock);
    this.#acquires.expireDue(memory.clock);
    this.#oversized.startBatch();
    for (let row = 0; row < count; row++) {
      const reason = this.#processFrame(row * Frame.stride);
      if (tap !== undefined) this.#show(tap, row * Frame.stride, reason);
      if (reason === PASS) continue;
      counters[reason] = counters[reason]! + 1;
      const frame = row * Frame.stride;
      const sa = this.#verdict >= 0 ? this.#spd.sa : undefined;
      audit.outbound(reason, memory.frames[frame + Frame.offset]!, memory.frames[frame + Frame.length]!, sa);
    }
    this.#queue.flush();
    this.#clear.flush();
    tap?.publish();
    return count;
  }

  /** A packet that waits for an SA is shown when it goes on, or is dropped; what another worker is handed, that one shows. */
  #show(tap: CaptureTap, row: number, reason: DropReason): void {
    const { frames } = this.#parts.memory;
    const verdict = this.#verdict;
    if ((verdict === ACQUIRE || this.#isHandedOver) && reason === PASS) return;
    const owner = verdict >= 0 ? ownerOf(this.#spd.sa) : ownerOfPolicy(this.#spd.findPolicy(verdict));
    const later = verdict === BYPASS ? Later.clearWrite : Later.seal;
    tap.outbound(frames[row + Frame.offset]!, frames[row + Frame.length]!, reason, owner, later);
  }

  /** Packets that waited for an SA come before those that are behind them in the TUN. */
  #nextFrames(): number {
    const acquires = this.#acquires;
    if (acquires.hasReleased) return acquires.load();
    acquires.startBatch();
    const { handOver } = this.#parts;
    // In turns with the TUN, so that neither waits for the other.
    if (handOver !== undefined && !this.#areTaken) {
      const count = handOver.loadFrames();
      this.#areTaken = count > 0;
      if (count > 0) return count;
    }
    this.#areTaken = false;
    return this.#parts.devices.tunRead();
  }

  /**
   * The worker that a frame is for, by what was judged of it; that one judges it anew. Fragments meet in the first worker,
   * because the later ones of a packet go where its first has gone (RFC 4301 §7).
   */
  #workerOf(verdict: number, own: number): number {
    if (own !== FIRST_WORKER && !this.#areTaken && this.#spd.isFragment) return FIRST_WORKER;
    if (verdict === ACQUIRE) return FIRST_WORKER;
    return verdict < 0 ? own : (this.#spd.sa?.worker ?? own);
  }

  #processFrame(row: number): DropReason {
    const { memory } = this.#parts;
    const offset = memory.frames[row + Frame.offset]!;
    const length = memory.frames[row + Frame.length]!;
    const verdict = this.#spd.judge(memory.arena, offset, length);
    this.#verdict = verdict;
    const { handOver } = this.#parts;
    if (handOver !== undefined) {
      const worker = this.#workerOf(verdict, handOver.index);
      this.#isHandedOver = worker !== handOver.index;
      if (this.#isHandedOver) return handOver.giveFrame(row / Frame.stride, worker);
    }
    if (verdict === BYPASS) {
      this.#spd.countHit(length);
      this.#clear.add(row, this.#spd.family);
      return PASS;
    }
    if (verdict === ACQUIRE) {
      const { acquiringPolicy, acquiringFlow } = this.#spd;
      return this.#acquires.hold(acquiringPolicy, acquiringFlow, row);
    }
    if (verdict === -Drop.outboundDiscard) this.#spd.countHit(length);
    if (verdict < 0) return -verdict;
    // RFC 4303 §3.3.1: the policy leads to the SA.
    const { sa } = this.#spd;
    if (sa === undefined) return Drop.outboundNoSa;
    if (!sa.peer.isReachable) return Drop.outboundNoAddress;
    this.#clampMss(row, offset, length, sa);
    const request = this.#request;
    request.paddedLength = 0;
    const reason = this.#planSegments(row, offset, length, sa);
    if (reason !== PASS) return reason;
    request.nextHeader = this.#spd.family === 4 ? PROTOCOL_IPV4 : PROTOCOL_IPV6;
    request.trafficClass = outerTrafficClass(memory.arena, offset, sa.tunnel);
    // Below the smallest path MTU that is believed, only fragments may get through.
    request.dontFragment = outerDontFragment(memory.arena, offset, sa.tunnel) && !sa.peer.path.isAtFloor;
    if (longestSealed(request, sa) > sa.peer.path.espRoom) return this.#oversized.handle(sa);
    return this.#seal(sa);
  }

  /** Sends one dummy packet (RFC 4303 §2.6). Never called while a batch is in work. */
  sendDummy(sa: OutboundSa): void {
    if (!sa.peer.isReachable) return;
    const { counters } = this.#parts;
    const request = this.#request;
    this.#dummies.request(request, sa);
    request.paddedLength = this.#paddedLength(sa);
    const reason = this.#queue.add(request, sa);
    this.#queue.flush();
    if (sa.counter.shouldAsk()) this.#parts.onSequenceLow({ slot: sa.slot, id: sa.id });
    const cell = reason === PASS ? Counter.outboundDummies : reason;
    counters[cell] = counters[cell]! + 1;
  }

  /** RFC 4303 §2.7. Never more than the path carries. */
  #paddedLength(sa: OutboundSa): number {
    const { tfcPaddedBytes } = sa.tunnel;
    if (tfcPaddedBytes === 0) return 0;
    const largest = Math.min(this.#parts.innerMtu, largestInnerPacket(sa.transform, sa.peer.path.espRoom));
    return tfcPaddedBytes === 'mtu' ? largest : Math.min(tfcPaddedBytes, largest);
  }

  #clampMss(row: number, offset: number, length: number, sa: OutboundSa): void {
    const spd = this.#spd;
    if (spd.protocol !== PROTOCOL_TCP) return;
    const { memory } = this.#parts;
    const innerMtu = Math.min(this.#parts.innerMtu, largestInnerPacket(sa.transform, sa.peer.path.espRoom));
    const partial = (memory.frames[row + Frame.flags]! & NEEDS_CHECKSUM) !== 0;
    clampMss(memory.arena, offset + spd.transportOffset, offset + length, spd.family, innerMtu, partial);
  }

  /** Reads how a super-packet is to be cut. The header length comes from TCP itself, not from the TUN's hint. */
  #planSegments(row: number, offset: number, length: number, sa: OutboundSa): DropReason {
    const { frames } = this.#parts.memory;
    const request = this.#request;
    request.frameOffset = offset;
    request.frameLength = length;
    request.networkHeaderLength = this.#spd.transportOffset;
    request.checksumOffset = frames[row + Frame.checksumOffset]!;
    const gsoType = frames[row + Frame.gsoType]! & ~GsoType.ecnFlag;
    if (gsoType === GsoType.none) {
      const partial = (frames[row + Frame.flags]! & NEEDS_CHECKSUM) !== 0;
      request.segmentation = Segmentation.none;
      request.headersLength = 0;
      request.segmentSize = length;
      request.segments = 1;
      request.checksumStart = partial ? frames[row + Frame.checksumStart]! : -1;
      if (!this.#isChecksumInside(row, length)) return Drop.outboundMalformed;
      return sealedLength(sa.transform, length) <= MAX_TRAIN_BYTES ? PASS : Drop.outboundUnsplittable;
    }
    const transportLength = this.#transportHeaderLength(gsoType, offset, length);
    const payload = length - this.#spd.transportOffset - transportLength;
    const segmentSize = frames[row + Frame.segmentSize]!;
    if (transportLength === 0 || payload <= 0 || segmentSize <= 0) return Drop.outboundUnsplittable;
    request.segmentation = gsoType === GsoType.udpL4 ? Segmentation.udp : Segmentation.tcp;
    request.headersLength = this.#spd.transportOffset + transportLength;
    request.segmentSize = Math.min(segmentSize, payload);
    request.segments = Math.ceil(payload / segmentSize);
    request.checksumStart = -1;
    return this.#queue.canHold(request, sa) ? PASS : Drop.outboundUnsplittable;
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

  #seal(sa: OutboundSa): DropReason {
    const { memory, counters } = this.#parts;
    const request = this.#request;
    const { segments } = request;
    request.paddedLength = this.#paddedLength(sa);
    const reason = this.#queue.add(request, sa);
    if (reason !== PASS) return reason;
    const { state } = sa;
    state[SaField.packets] = state[SaField.packets]! + segments;
    state[SaField.bytes] =
      state[SaField.bytes]! + request.frameLength + (segments - 1) * request.headersLength;
    const nowMs = memory.clock[0]!;
    state[SaField.lastUsedMs] = nowMs;
    sa.lastSentMs = nowMs;
    sa.peer.lastSentMs = nowMs;
    counters[Counter.outboundPackets] = counters[Counter.outboundPackets]! + segments;
    if (sa.counter.shouldAsk()) this.#parts.onSequenceLow({ slot: sa.slot, id: sa.id });
    return PASS;
  }
}
