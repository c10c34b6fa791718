// The way of an inbound packet, RFC 4301 §5.2 and RFC 4303 §3.4:
//
//   UDP 4500 ──► ESP or IKE ──► SAD by SPI ──► replay check ──► ESP decapsulate ──► replay update
//                                                                   TUN ◄── SPD-I ◄──┘
//
// Each step is a method below, in this order. A packet that does not go on is counted with its reason.

import { ESP_HEADER_BYTES, ESP_TRAILER_BYTES, largestInnerPacket } from '../crypto/esp-transform.ts';
import { Replay } from '../sad/replay-window.ts';
import { SaField } from '../sad/sa-state.ts';
import type { SpdSnapshot } from '../spd/snapshot.ts';
import { readInt32, readUint16 } from '../wire/bytes.ts';
import { IPV4_HEADER_BYTES, IPV4_TOTAL_LENGTH } from '../wire/ipv4.ts';
import { IPV6_HEADER_BYTES, IPV6_PAYLOAD_LENGTH } from '../wire/ipv6.ts';
import { ESP_SEQUENCE_NUMBER, ESP_SPI, NAT_KEEPALIVE_BYTE, NON_ESP_MARKER_BYTES } from '../wire/esp.ts';
import {
  PROTOCOL_IPV4,
  PROTOCOL_IPV6,
  PROTOCOL_NO_NEXT_HEADER,
  PROTOCOL_TCP,
} from '../wire/protocol-numbers.ts';
import type { Associations, InboundSa } from './associations.ts';
import type { Audit } from './audit.ts';
import { DatagramIn, InnerPacket, JobStatus, OpenJob, type BatchMemory } from './batch-memory.ts';
import { Later } from './capture/capture.ts';
import type { CaptureTap } from './capture/capture-tap.ts';
import type { Captures } from './capture/captures.ts';
import type { DataPlaneEvent } from './commands.ts';
import { Counter, type Counters } from './counters.ts';
import type { Devices } from './devices.ts';
import { Drop, PASS, type DropReason } from './drop-reasons.ts';
import { decapsulateEcn } from './ecn.ts';
import type { Engine } from './engine.ts';
import type { IkeDatagrams } from './ike-datagrams.ts';
import type { Lifetimes } from './lifetimes.ts';
import { clampMss, isTcpSyn } from './mss-clamp.ts';
import type { Peers } from './peers.ts';
import { ACCEPT_BYPASS, SpdInbound } from './spd-inbound.ts';
import type { HandOver } from './workers/hand-over.ts';
import { FIRST_WORKER } from './workers/share.ts';

const TWO_32 = 0x1_0000_0000;
/** How often the devices hear where packets come from: each time costs a call, and the faster way for a source two or three. */
const WRITES_BETWEEN_HINTS = 128;

/** What one worker's inbound path is made of. */
export interface InboundParts {
  readonly memory: BatchMemory;
  readonly devices: Devices;
  readonly engine: Engine;
  readonly associations: Associations;
  readonly lifetimes: Lifetimes;
  readonly peers: Peers;
  readonly ike: IkeDatagrams;
  readonly audit: Audit;
  readonly counters: Counters;
  /** Largest inner packet, to clamp TCP to. */
  readonly innerMtu: number;
  readonly flowSeed: number;
  /** Left out: there is one worker. */
  readonly handOver?: HandOver | undefined;
  readonly captures: Pick<Captures, 'tap'>;
  readonly onEvent: (event: DataPlaneEvent) => void;
}

export class Inbound {
  readonly #parts: InboundParts;
  readonly #spd: SpdInbound;
  /** Whole sequence number of each queued OpenJob. */
  readonly #sequences: Float64Array;
  /** Queued for the next open. */
  #jobs = 0;
  /** The inner packet that the SPD judged last. */
  #innerOffset = 0;
  #innerLength = 0;
  /** Accepted, for the next write. */
  #accepted = 0;
  /** As long as the batch lasts. */
  #tap: CaptureTap | undefined;
  #writesToHint = WRITES_BETWEEN_HINTS;
  /** The datagrams of this batch were handed over by other workers. */
  #areTaken = false;

  constructor(parts: InboundParts, snapshot: SpdSnapshot) {
    this.#parts = parts;
    this.#spd = new SpdInbound(snapshot, parts.flowSeed, parts.memory.clock);
    this.#sequences = new Float64Array(parts.memory.limits.openJobs);
  }

  /** Packets received after this call meet the new policies. Never called while a batch is in work. */
  useSnapshot(snapshot: SpdSnapshot): void {
    this.#spd.useSnapshot(snapshot);
  }

  /** Takes one batch from the peers to the TUN. @returns how many datagrams or trains there were */
  process(): number {
    const { memory, devices, lifetimes, ike } = this.#parts;
    const taken = this.#takeDatagrams();
    const count = taken > 0 ? taken : devices.udpReceive();
    lifetimes.expireDue(memory.clock);
    this.#parts.peers.readReports();
    this.#jobs = 0;
    this.#tap = this.#parts.captures.tap;
    ike.startTurn();
    for (let row = 0; row < count; row++) {
      const at = row * DatagramIn.stride;
      const length = memory.datagramsIn[at + DatagramIn.length]!;
      if (memory.datagramsIn[at + DatagramIn.socket]! >= ike.firstOwnSocket) {
        this.#takeIke(row, memory.datagramsIn[at + DatagramIn.offset]!, length, 0);
        continue;
      }
      // A train can mix SPIs, and IKE with ESP of equal length: every segment is looked at for itself.
      const segment = memory.datagramsIn[at + DatagramIn.segmentLength]! || Math.max(length, 1);
      let offset = memory.datagramsIn[at + DatagramIn.offset]!;
      const end = offset + length;
      do {
        this.#demultiplex(row, offset, Math.min(segment, end - offset));
        offset += segment;
      } while (offset < end);
    }
    this.#flush();
    this.#tap?.publish();
    return count;
  }

  /** What other workers have handed over, in turns with the sockets. */
  #takeDatagrams(): number {
    const { handOver } = this.#parts;
    if (handOver === undefined) return 0;
    const count = this.#areTaken ? 0 : handOver.loadDatagrams();
    this.#areTaken = count > 0;
    return count;
  }

  #drop(reason: DropReason): void {
    const { counters } = this.#parts;
    counters[reason] = counters[reason]! + 1;
  }

  /** RFC 3948 §2: ESP, IKE behind its marker, and keepalives share the port. */
  #demultiplex(datagram: number, offset: number, length: number): void {
    const { memory, counters } = this.#parts;
    if (length === 1 && memory.arena[offset] === NAT_KEEPALIVE_BYTE) {
      counters[Counter.natKeepalives] = counters[Counter.natKeepalives]! + 1;
      this.#tap?.received(datagram, offset, length, PASS);
      return;
    }
    if (length < NON_ESP_MARKER_BYTES) {
      this.#drop(Drop.inboundTruncated);
      this.#tap?.received(datagram, offset, length, Drop.inboundTruncated);
    } else if (readInt32(memory.arena, offset) === 0)
      this.#takeIke(datagram, offset, length, NON_ESP_MARKER_BYTES);
    else {
      const reason = this.#queueEsp(datagram, offset, length);
      if (reason === PASS) return;
      this.#drop(reason);
      this.#tap?.received(datagram, offset, length, reason);
      // A packet without a whole ESP header is not auditable.
      this.#parts.audit.inbound(reason, datagram, offset, 0, 0);
    }
  }

  #takeIke(datagram: number, offset: number, length: number, markerBytes: number): void {
    const { handOver } = this.#parts;
    // In the train of an ESP packet it comes by another worker's socket.
    if (handOver !== undefined && handOver.index !== FIRST_WORKER) {
      const full = handOver.giveDatagram(datagram, offset, length, FIRST_WORKER);
      if (full !== PASS) this.#drop(full);
      return;
    }
    const reason = this.#parts.ike.take(datagram, offset + markerBytes, length - markerBytes);
    if (reason !== PASS) this.#drop(reason);
    this.#tap?.receivedIke(datagram, offset, length, reason);
  }

  /** SAD lookup and the replay check before decryption (RFC 4303 §3.4.2, §3.4.3). */
  #queueEsp(datagram: number, offset: number, length: number): DropReason {
    const { memory, associations } = this.#parts;
    if (length < ESP_HEADER_BYTES) return Drop.inboundTruncated;
    const sa = associations.inboundBySpi(readInt32(memory.arena, offset + ESP_SPI));
    if (sa === undefined) {
      const { handOver } = this.#parts;
      const spi = readInt32(memory.arena, offset + ESP_SPI);
      if (handOver !== undefined) {
        const worker = associations.workerOfInbound(spi);
        // RFC 4303 §3.4.3: a window has one worker, and so no packet is taken twice.
        if (worker >= 0) return handOver.giveDatagram(datagram, offset, length, worker);
      }
      this.#parts.ike.tellUnknownSpi(datagram, spi);
      return Drop.inboundUnknownSpi;
    }
    const { transform } = sa;
    const body = length - ESP_HEADER_BYTES - transform.ivBytes - transform.icvBytes;
    if (body < ESP_TRAILER_BYTES || (body & (transform.alignmentBytes - 1)) !== 0)
      return Drop.inboundEspTooShort;
    const low = readInt32(memory.arena, offset + ESP_SEQUENCE_NUMBER);
    const high = sa.esn ? sa.window.inferHigh(low) : 0;
    if (high < 0) return this.#dropReplay(sa, Replay.tooOld);
    const sequence = high * TWO_32 + (low >>> 0);
    // RFC 4303 §2.2: the first packet has number 1.
    if (sequence === 0) return Drop.inboundNoSequence;
    const replay = sa.window.check(sequence);
    if (replay !== Replay.fresh) return this.#dropReplay(sa, replay);
    const job = this.#jobs * OpenJob.stride;
    this.#tap?.queued(this.#jobs, datagram, offset, length, sa);
    memory.openJobs[job + OpenJob.offset] = offset;
    memory.openJobs[job + OpenJob.length] = length;
    memory.openJobs[job + OpenJob.saSlot] = sa.slot;
    memory.openJobs[job + OpenJob.sequenceHigh] = high;
    memory.openJobs[job + OpenJob.datagram] = datagram;
    this.#sequences[this.#jobs] = sequence;
    this.#jobs++;
    if (this.#jobs === memory.limits.openJobs) this.#flush();
    return PASS;
  }

  #tellFirstPacket({ slot, id }: InboundSa): void {
    this.#parts.onEvent({ type: 'first-packet', sa: { slot, id } });
  }

  #dropReplay(sa: InboundSa, replay: Replay): DropReason {
    sa.state[SaField.replays] = sa.state[SaField.replays]! + 1;
    return replay === Replay.tooOld ? Drop.inboundTooOld : Drop.inboundReplay;
  }

  /** Decrypts what is queued, judges every packet, and writes the accepted ones to the TUN. */
  #flush(): void {
    if (this.#jobs === 0) return;
    const { engine, devices } = this.#parts;
    engine.open(this.#jobs);
    this.#spd.startBatch();
    this.#accepted = 0;
    let passed = 0;
    for (let job = 0; job < this.#jobs; job++) {
      const reason =
        this.#tap === undefined ? this.#decapsulate(job) : this.#decapsulateShown(this.#tap, job);
      if (reason === PASS) {
        passed = job;
        continue;
      }
      this.#drop(reason);
      this.#auditJob(reason, job);
    }
    this.#jobs = 0;
    if (this.#accepted === 0) return;
    if (--this.#writesToHint === 0) {
      this.#writesToHint = WRITES_BETWEEN_HINTS;
      devices.expectMoreFrom(this.#parts.memory.openJobs[passed * OpenJob.stride + OpenJob.datagram]!);
    }
    const { counters } = this.#parts;
    counters[Counter.inboundPackets] = counters[Counter.inboundPackets]! + this.#accepted;
    const frames = engine.coalesce(this.#accepted);
    const written = devices.tunWrite(frames);
    counters[Drop.inboundTunWriteFailed] = counters[Drop.inboundTunWriteFailed]! + frames - written;
    this.#tap?.settle(Later.tunWrite, written === 0 ? Drop.inboundTunWriteFailed : PASS);
  }

  #decapsulateShown(tap: CaptureTap, job: number): DropReason {
    this.#innerLength = 0;
    const reason = this.#decapsulate(job);
    tap.opened(job, reason, this.#innerOffset, this.#innerLength, Later.tunWrite);
    return reason;
  }

  #auditJob(reason: DropReason, jobIndex: number): void {
    const { memory, audit } = this.#parts;
    const job = jobIndex * OpenJob.stride;
    const datagram = memory.openJobs[job + OpenJob.datagram]!;
    audit.inbound(
      reason,
      datagram,
      memory.openJobs[job + OpenJob.offset]!,
      this.#innerOffset,
      this.#innerLength,
    );
  }

  /** From an opened ESP packet to an inner packet that its SA and the policy allow. */
  #decapsulate(jobIndex: number): DropReason {
    const { memory, associations, lifetimes, peers } = this.#parts;
    const job = jobIndex * OpenJob.stride;
    const sa = associations.inboundBySlot(memory.openJobs[job + OpenJob.saSlot]!);
    // It was there when the packet was queued: a packet of this batch has ended it.
    if (sa === undefined) return Drop.inboundLifetime;
    if (memory.openJobs[job + OpenJob.status] !== JobStatus.ok) {
      sa.state[SaField.icvMismatches] = sa.state[SaField.icvMismatches]! + 1;
      return Drop.inboundIcvMismatch;
    }
    const rightEdge = sa.state[SaField.sequence]!;
    const replay = sa.window.accept(this.#sequences[jobIndex]!);
    if (replay !== Replay.fresh) return this.#dropReplay(sa, replay);
    // RFC 7296 §2.4: whatever is inside, whoever sent it is alive.
    sa.state[SaField.lastUsedMs] = memory.clock[0]!;
    if (rightEdge === 0 && sa.tellsFirstPacket) this.#tellFirstPacket(sa);
    // RFC 7296 §2.23. An older packet says where the peer was, or where somebody sends it from again.
    if (sa.peer.followAddress && sa.state[SaField.sequence]! > rightEdge)
      peers.follow(sa.peer, memory.openJobs[job + OpenJob.datagram]!);

    const { transform } = sa;
    const offset = memory.openJobs[job + OpenJob.offset]! + ESP_HEADER_BYTES + transform.ivBytes;
    const body =
      memory.openJobs[job + OpenJob.length]! - ESP_HEADER_BYTES - transform.ivBytes - transform.icvBytes;
    if (!lifetimes.countInbound(sa, body)) return Drop.inboundLifetime;
    const padLengthAt = offset + body - ESP_TRAILER_BYTES;
    const nextHeader = memory.arena[padLengthAt + 1]!;
    // RFC 4303 §2.6: dummy packets are discarded without prejudice, whatever they hold.
    if (nextHeader === PROTOCOL_NO_NEXT_HEADER) return Drop.inboundDummy;
    const length = this.#removePadding(offset, padLengthAt);
    if (length < 0) return Drop.inboundPadding;
    if (nextHeader !== PROTOCOL_IPV4 && nextHeader !== PROTOCOL_IPV6) return Drop.inboundNextHeader;
    const datagram = memory.openJobs[job + OpenJob.datagram]! * DatagramIn.stride;
    return this.#accept(
      sa,
      offset,
      length,
      nextHeader,
      memory.datagramsIn[datagram + DatagramIn.trafficClass]!,
    );
  }

  /** RFC 4303 §2.4: padding is 1, 2, 3 …; the receiver should look. @returns the inner length, or -1 */
  #removePadding(offset: number, padLengthAt: number): number {
    const { arena } = this.#parts.memory;
    const padLength = arena[padLengthAt]!;
    const length = padLengthAt - offset - padLength;
    if (length < 0) return -1;
    for (let pad = 1; pad <= padLength; pad++) {
      if (arena[offset + length + pad - 1] !== pad) return -1;
    }
    return length;
  }

  /** SPD-I (RFC 4301 §5.2 step 4), then everything that changes the packet. */
  #accept(
    sa: InboundSa,
    offset: number,
    length: number,
    nextHeader: number,
    outerTrafficClass: number,
  ): DropReason {
    const { memory, counters, innerMtu } = this.#parts;
    // RFC 4303 §2.7: what lies behind the inner packet is traffic flow confidentiality padding.
    const innerLength = readInnerLength(memory.arena, offset, length, nextHeader);
    if (innerLength < length) length = innerLength;
    const version = length === 0 ? 0 : memory.arena[offset]! >>> 4;
    if ((version === 4) !== (nextHeader === PROTOCOL_IPV4)) return Drop.inboundMalformed;
    const spd = this.#spd;
    this.#innerOffset = offset;
    this.#innerLength = length;
    const verdict = spd.judge(sa, memory.arena, offset, length);
    if (verdict === -Drop.inboundDiscard) spd.countHit(length);
    if (verdict < 0) return -verdict;
    if (!decapsulateEcn(memory.arena, offset, outerTrafficClass)) return Drop.inboundEcn;
    const transport = offset + spd.transportOffset;
    if (spd.protocol === PROTOCOL_TCP && isTcpSyn(memory.arena, transport, offset + length)) {
      // The answers to this segment go the other way, on the same path and by the same transform.
      const mtu = Math.min(innerMtu, largestInnerPacket(sa.transform, sa.peer.path.espRoom));
      clampMss(memory.arena, transport, offset + length, spd.family, mtu, false);
    }
    const row = this.#accepted * InnerPacket.stride;
    memory.innerPackets[row + InnerPacket.offset] = offset;
    memory.innerPackets[row + InnerPacket.length] = length;
    this.#accepted++;
    const { state } = sa;
    state[SaField.packets] = state[SaField.packets]! + 1;
    state[SaField.bytes] = state[SaField.bytes]! + length;
    if (verdict === ACCEPT_BYPASS) {
      spd.countHit(length);
      counters[Counter.inboundBypassPackets] = counters[Counter.inboundBypassPackets]! + 1;
    }
    return PASS;
  }
}

/** @returns what the inner header says of its packet's length; `length` where it is too short to say */
function readInnerLength(bytes: Uint8Array, offset: number, length: number, nextHeader: number): number {
  if (nextHeader === PROTOCOL_IPV4)
    return length < IPV4_HEADER_BYTES ? length : readUint16(bytes, offset + IPV4_TOTAL_LENGTH);
  return length < IPV6_HEADER_BYTES
    ? length
    : readUint16(bytes, offset + IPV6_PAYLOAD_LENGTH) + IPV6_HEADER_BYTES;
}
