// Where captures see packets: the packet path calls it at the places where packets pass or are dropped, while at least
// one capture runs. While none does there is no tap. It allocates, as nothing else on the way of a packet does.

import { readInt32 } from '../../wire/bytes.ts';
import { ESP_SPI } from '../../wire/esp.ts';
import type { SpdEntry } from '../../spd/snapshot.ts';
import type { Endpoint } from '../../sad/security-association.ts';
import { ADDRESS_CELL_BYTES, DatagramIn, DatagramOut, OpenJob, type BatchMemory } from '../batch-memory.ts';
import { Drop, PASS, type DropReason } from '../drop-reasons.ts';
import { FIRST_SA_ENDPOINT } from '../endpoint-rows.ts';
import type { SendIke } from '../ike-events.ts';
import { NO_RECORD, type Capture, type Later } from './capture.ts';
import type { CapturedSocket } from './capture-commands.ts';
import { Side, Way, type RingEntry } from './capture-ring.ts';
import { ENVELOPE_BYTES, writeEnvelope, type Envelope } from './envelope.ts';
import { NameBytes } from './name-bytes.ts';

const SPI_BYTES = 4;
const EAGAIN = 11;
const NOTHING = new Uint8Array(0);

/** Of whom a packet is; names as policies have them. */
interface Owner {
  readonly policy: string | undefined;
  readonly peer: string | undefined;
}

const NOBODY: Owner = { policy: undefined, peer: undefined };

interface OwnedSa {
  readonly policy: string;
  readonly peer: { readonly entry: string; readonly endpoint: Endpoint | undefined };
}

export interface CaptureTapParts {
  readonly memory: BatchMemory;
  readonly associations: {
    inboundBySpi(spi: number): OwnedSa | undefined;
    inboundBySlot(slot: number): OwnedSa | undefined;
    outboundBySlot(slot: number): OwnedSa | undefined;
  };
  readonly peers: {
    entryAt(address: Uint8Array): string | undefined;
  };
}

export class CaptureTap {
  readonly #parts: CaptureTapParts;
  readonly #captures: readonly Capture[];
  readonly #sockets: readonly CapturedSocket[];
  readonly #names = new NameBytes();
  readonly #envelope = new Uint8Array(ENVELOPE_BYTES);
  readonly #entry: RingEntry;

  constructor(parts: CaptureTapParts, captures: readonly Capture[], sockets: readonly CapturedSocket[]) {
    this.#parts = parts;
    this.#captures = captures;
    this.#sockets = sockets;
    const empty = { policy: NOTHING, peer: NOTHING, envelope: NOTHING };
    this.#entry = { side: Side.inner, way: Way.outbound, reason: PASS, clockMs: 0, ...empty };
  }

  /** A packet from the protected side, judged. @param entry that it met @param later the step that it waits for */
  outbound(offset: number, length: number, reason: DropReason, owner: Owner, later: Later): void {
    this.#inner(Way.outbound, offset, length, reason, owner, reason === PASS ? later : undefined);
  }

  /** A packet that waited for an SA, and is dropped. */
  dropHeld(offset: number, length: number, reason: DropReason, owner: Owner): void {
    this.#inner(Way.outbound, offset, length, reason, owner, undefined);
  }

  /** An ESP packet was opened. @param innerLength 0: it holds no packet that was judged */
  opened(job: number, reason: DropReason, innerOffset: number, innerLength: number, later: Later): void {
    if (reason !== PASS) for (const capture of this.#captures) capture.changeJob(job, reason);
    if (innerLength === 0) return;
    const slot = this.#parts.memory.openJobs[job * OpenJob.stride + OpenJob.saSlot]!;
    const owner = ownerOf(this.#parts.associations.inboundBySlot(slot));
    this.#inner(Way.inbound, innerOffset, innerLength, reason, owner, reason === PASS ? later : undefined);
  }

  #inner(
    way: Way,
    offset: number,
    length: number,
    reason: DropReason,
    owner: Owner,
    later: Later | undefined,
  ): void {
    this.#describe(Side.inner, way, reason, owner);
    this.#entry.envelope = NOTHING;
    for (const capture of this.#captures) {
      if (!capture.wants(Side.inner, owner.policy, owner.peer)) continue;
      const record = capture.add(this.#entry, this.#parts.memory.arena, offset, length);
      if (later !== undefined) capture.wait(record, later);
    }
  }

  /** ESP or a keepalive, and it goes no further. */
  received(datagram: number, offset: number, length: number, reason: DropReason): void {
    const { memory, associations } = this.#parts;
    const sa =
      length < SPI_BYTES ? undefined : associations.inboundBySpi(readInt32(memory.arena, offset + ESP_SPI));
    this.#outer(
      Way.inbound,
      reason,
      ownerOf(sa),
      this.#receivedEnvelope(datagram),
      offset,
      length,
      undefined,
    );
  }

  /** An ESP packet that the engine is to open. */
  queued(job: number, datagram: number, offset: number, length: number, sa: OwnedSa): void {
    this.#outer(Way.inbound, PASS, ownerOf(sa), this.#receivedEnvelope(datagram), offset, length, job);
  }

  /** With its marker, where it has one. Whose it is is asked only where it is taken: those are bounded. */
  receivedIke(datagram: number, offset: number, length: number, reason: DropReason): void {
    const envelope = this.#receivedEnvelope(datagram);
    const peer = reason === PASS ? this.#parts.peers.entryAt(envelope.source) : undefined;
    this.#outer(Way.inbound, reason, { policy: undefined, peer }, envelope, offset, length, undefined);
  }

  /** Rows 0 … count - 1 of the datagrams were sent, or not, as they say. */
  sent(count: number): void {
    const { datagramsOut } = this.#parts.memory;
    for (let row = 0; row < count * DatagramOut.stride; row += DatagramOut.stride) {
      const slot = datagramsOut[row + DatagramOut.endpoint]! - FIRST_SA_ENDPOINT;
      const sa = this.#parts.associations.outboundBySlot(slot);
      const endpoint = sa?.peer.endpoint;
      if (sa !== undefined && endpoint !== undefined)
        this.#sendTrain(row, endpoint.socket, endpoint.address, endpoint.port, ownerOf(sa));
    }
  }

  /** What the main thread sends lies in the first row. */
  sentIke({ socket, address, port }: SendIke): void {
    const peer = this.#parts.peers.entryAt(address);
    this.#sendTrain(0, socket, address, port, { policy: undefined, peer });
    // Between two batches: portable devices may have none for a while.
    this.publish();
  }

  /** What waited for a step: PASS, or the reason why nothing of it got through. */
  settle(later: Later, reason: DropReason): void {
    for (const capture of this.#captures) capture.settle(later, reason);
  }

  publish(): void {
    for (const capture of this.#captures) capture.publish();
  }

  #sendTrain(row: number, socket: number, address: Uint8Array, port: number, owner: Owner): void {
    const { datagramsOut } = this.#parts.memory;
    const errno = datagramsOut[row + DatagramOut.status]!;
    const reason =
      errno === 0 ? PASS : errno === EAGAIN ? Drop.outboundSendBufferFull : Drop.outboundSendFailed;
    const bound = this.#sockets[socket];
    const envelope = {
      source: bound?.address ?? new Uint8Array(address.length),
      destination: address,
      sourcePort: bound?.port ?? 0,
      destinationPort: port,
      trafficClass: datagramsOut[row + DatagramOut.trafficClass]!,
      dontFragment: datagramsOut[row + DatagramOut.dontFragment] === 1,
    };
    let offset = datagramsOut[row + DatagramOut.offset]!;
    const end = offset + datagramsOut[row + DatagramOut.length]!;
    const segment = datagramsOut[row + DatagramOut.segmentLength]! || end - offset;
    for (; offset < end; offset += segment)
      this.#outer(Way.outbound, reason, owner, envelope, offset, Math.min(segment, end - offset), undefined);
  }

  #outer(
    way: Way,
    reason: DropReason,
    owner: Owner,
    envelope: Envelope,
    offset: number,
    length: number,
    job: number | undefined,
  ): void {
    this.#describe(Side.outer, way, reason, owner);
    writeEnvelope(this.#envelope, envelope);
    this.#entry.envelope = this.#envelope;
    for (const capture of this.#captures) {
      const isWanted = capture.wants(Side.outer, owner.policy, owner.peer);
      const record = isWanted
        ? capture.add(this.#entry, this.#parts.memory.arena, offset, length)
        : NO_RECORD;
      if (job !== undefined) capture.queue(job, record);
    }
  }

  #describe(side: Side, way: Way, reason: DropReason, { policy, peer }: Owner): void {
    const entry = this.#entry;
    entry.side = side;
    entry.way = way;
    entry.reason = reason;
    entry.clockMs = this.#parts.memory.clock[0]!;
    entry.policy = this.#names.of(policy);
    entry.peer = this.#names.of(peer);
  }

  #receivedEnvelope(datagram: number): Envelope {
    const { datagramsIn, sources, destinations } = this.#parts.memory;
    const row = datagram * DatagramIn.stride;
    const cell = datagram * ADDRESS_CELL_BYTES;
    const end = cell + (datagramsIn[row + DatagramIn.family] === 4 ? 4 : 16);
    const bound = this.#sockets[datagramsIn[row + DatagramIn.socket]!];
    const told = destinations.slice(cell, end);
    return {
      source: sources.slice(cell, end),
      // Portable devices are not told; then what the socket is bound to is all that is known.
      destination:
        bound?.address.length === told.length && told.every((byte) => byte === 0) ? bound.address : told,
      sourcePort: datagramsIn[row + DatagramIn.sourcePort]!,
      destinationPort: bound?.port ?? 0,
      trafficClass: datagramsIn[row + DatagramIn.trafficClass]!,
      dontFragment: false,
    };
  }
}

/** Of a policy: the peer that it is with. */
export function ownerOfPolicy(entry: SpdEntry | undefined): Owner {
  return entry === undefined ? NOBODY : { policy: entry.name, peer: entry.sa?.peer };
}

/** Of an SA, where it is there still. */
export function ownerOf(sa: OwnedSa | undefined): Owner {
  return sa === undefined ? NOBODY : { policy: sa.policy, peer: sa.peer.entry };
}
