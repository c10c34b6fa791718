// What a worker hands to its fellows, and takes from them: frames of the TUN whose outbound SA another one has, and
// datagrams, or runs of a train, whose inbound SA another one has. A train that UDP_GRO joined can mix packets of several
// SAs; a flow that was never answered is read by whichever worker the kernel has chosen.

import { Frame, MAX_FRAME_BYTES, RECEIVE_SLOT_BYTES, type BatchMemory } from '../batch-memory.ts';
import { Counter, type Counters } from '../counters.ts';
import { Drop, PASS, type DropReason } from '../drop-reasons.ts';
import {
  allocateHandOver,
  HandOverReader,
  HandOverWriter,
  type HandOverMemory,
  type PacketPlace,
} from './hand-over-ring.ts';
import type { WorkerShare } from './share.ts';

const FRAME_ALIGNMENT = 64;
const NO_PACKET = -1;
/** Powers of two. Flows whose SA has become another worker's come with all that waits in the TUN: 128 super-packets. */
const FRAME_RING_BYTES: number = 1 << 23;
/** Some batches: a socket gives 256 KiB at once. */
const DATAGRAM_RING_BYTES: number = 1 << 20;

/** What all workers of a gateway share for it; it outlives each of them. */
export interface HandOverRings {
  /** By who writes, then by who reads. */
  readonly frames: readonly (readonly HandOverMemory[])[];
  readonly datagrams: readonly (readonly HandOverMemory[])[];
  /** Of each worker: 1 where it sleeps, or is about to. */
  readonly asleep: Int32Array<SharedArrayBuffer>;
}

export function allocateHandOverRings(workers: number, ringBytes?: number): HandOverRings {
  const numbers = Array.from({ length: workers }, (_, index) => index);
  // The rings of a worker to itself are never used, and small.
  const rings = (bytes: number): HandOverMemory[][] =>
    numbers.map((from) => numbers.map((to) => allocateHandOver(from === to ? 8 : bytes)));
  return {
    frames: rings(ringBytes ?? FRAME_RING_BYTES),
    datagrams: rings(ringBytes ?? DATAGRAM_RING_BYTES),
    asleep: new Int32Array(new SharedArrayBuffer(workers * Int32Array.BYTES_PER_ELEMENT)),
  };
}

export interface HandOverParts {
  readonly share: WorkerShare;
  readonly rings: HandOverRings;
  readonly memory: BatchMemory;
  readonly counters: Counters;
  /** Ends the sleep of another worker. */
  readonly wake: (worker: number) => void;
}

export class HandOver {
  readonly index: number;
  readonly #parts: HandOverParts;
  readonly #framesTo: readonly HandOverWriter[];
  readonly #datagramsTo: readonly HandOverWriter[];
  readonly #framesFrom: readonly HandOverReader[];
  readonly #datagramsFrom: readonly HandOverReader[];
  /** Who is looked at first. */
  #turn = 0;
  /** The run of a train that was handed over last: by whom it is taken, its datagram, and where it ends. */
  #runTo = NO_PACKET;
  #runDatagram = NO_PACKET;
  #runEnd = NO_PACKET;

  constructor(parts: HandOverParts) {
    const { share, rings, memory } = parts;
    this.#parts = parts;
    this.index = share.index;
    const frames: PacketPlace = { arena: memory.arena, rows: memory.frames };
    const { arena, datagramsIn: rows, sources, destinations } = memory;
    const datagrams: PacketPlace = { arena, rows, sources, destinations };
    this.#framesTo = rings.frames[share.index]!.map((ring) => new HandOverWriter(ring, frames));
    this.#datagramsTo = rings.datagrams[share.index]!.map((ring) => new HandOverWriter(ring, datagrams));
    this.#framesFrom = rings.frames.map((to) => new HandOverReader(to[share.index]!, frames));
    this.#datagramsFrom = rings.datagrams.map((to) => new HandOverReader(to[share.index]!, datagrams));
  }

  /** Hands a frame of the batch in work to another worker. */
  giveFrame(row: number, to: number): DropReason {
    const { memory, counters } = this.#parts;
    const at = row * Frame.stride;
    const offset = memory.frames[at + Frame.offset]!;
    if (!this.#framesTo[to]!.add(row, offset, memory.frames[at + Frame.length]!))
      return Drop.outboundHandOverFull;
    counters[Counter.framesHandedOver] = counters[Counter.framesHandedOver]! + 1;
    return PASS;
  }

  /** Hands a datagram of the batch in work, or a segment of one, to another worker; what follows it in its train goes with it. */
  giveDatagram(datagram: number, offset: number, length: number, to: number): DropReason {
    const { counters } = this.#parts;
    const ring = this.#datagramsTo[to]!;
    const isNext = this.#runTo === to && this.#runDatagram === datagram && this.#runEnd === offset;
    // A run does not go on where the ring begins anew.
    if (!(isNext && ring.extend(offset, length)) && !ring.add(datagram, offset, length)) {
      this.#runTo = NO_PACKET;
      return Drop.inboundHandOverFull;
    }
    this.#runTo = to;
    this.#runDatagram = datagram;
    this.#runEnd = offset + length;
    counters[Counter.datagramsHandedOver] = counters[Counter.datagramsHandedOver]! + 1;
    return PASS;
  }

  /** The batch is done: the others see what they were given. */
  publish(): void {
    this.#runTo = NO_PACKET;
    const { asleep } = this.#parts.rings;
    for (let to = 0; to < this.#framesTo.length; to++) {
      const hasFrames = this.#framesTo[to]!.publish();
      const hasDatagrams = this.#datagramsTo[to]!.publish();
      // Who goes to sleep says so before it looks for the last time: one of the two sees the other.
      if ((hasFrames || hasDatagrams) && Atomics.exchange(asleep, to, 0) === 1) this.#parts.wake(to);
    }
  }

  /** Somebody has handed something to this worker. */
  get hasInput(): boolean {
    for (let from = 0; from < this.#framesFrom.length; from++)
      if (!this.#framesFrom[from]!.isEmpty || !this.#datagramsFrom[from]!.isEmpty) return true;
    return false;
  }

  /** Whoever hands something over from now on wakes this worker. */
  noteAsleep(): void {
    Atomics.store(this.#parts.rings.asleep, this.index, 1);
  }

  noteAwake(): void {
    Atomics.store(this.#parts.rings.asleep, this.index, 0);
  }

  /** Fills Frame rows with what others have handed over. @returns their number */
  loadFrames(): number {
    const { framesOffset, limits } = this.#parts.memory;
    const last = framesOffset + limits.frameBytes - MAX_FRAME_BYTES - FRAME_ALIGNMENT;
    const workers = this.#framesFrom.length;
    let position = framesOffset;
    let count = 0;
    this.#turn = (this.#turn + 1) % workers;
    for (let i = 0; i < workers; i++) {
      const ring = this.#framesFrom[(this.#turn + i) % workers]!;
      while (count < limits.frames && position <= last) {
        const end = ring.take(count, position);
        if (end < 0) break;
        position += Math.ceil((end - position) / FRAME_ALIGNMENT) * FRAME_ALIGNMENT;
        count++;
      }
    }
    return count;
  }

  /** Fills DatagramIn rows likewise. */
  loadDatagrams(): number {
    const { receivedOffset, limits } = this.#parts.memory;
    const workers = this.#datagramsFrom.length;
    let count = 0;
    for (let i = 0; i < workers; i++) {
      const ring = this.#datagramsFrom[(this.#turn + i) % workers]!;
      while (count < limits.datagramsIn) {
        if (ring.take(count, receivedOffset + count * RECEIVE_SLOT_BYTES) < 0) break;
        count++;
      }
    }
    return count;
  }
}
