// Packets on their way from a packet path to whoever captures: a ring in shared memory with one writer and one reader.
// Neither waits for the other. What finds no room is counted and lost; what was added is seen when it is published.

import { InvariantError } from '../../base/errors.ts';

/** Cells before the records. */
const Head = {
  /** Bytes that were ever published, modulo 2^32; written by the packet path. */
  written: 0,
  /** Bytes that were ever read; written by the reader. */
  read: 1,
  /** Packets that found no room, of each {@link Side}. */
  lost: 2,
} as const;

const HEAD_BYTES = 64;
const RECORD_BYTES = 32;
const ALIGNMENT = 8;

/** Words of a record. */
const Word = {
  /** Of the whole record; negative: nothing lies here up to the end of the ring. */
  size: 0,
  captured: 1,
  original: 2,
  /** See {@link mark}. */
  mark: 3,
  /** A double: words 4 and 5. */
  clockMs: 4,
  /** Bytes of the policy's name; those of the peer's above 16 bits. */
  names: 6,
  /** Bytes of the envelope. */
  envelope: 7,
} as const;

/** A power of two. What 1 Gbit/s brings in 60 ms. */
const RING_BYTES: number = 8 * 1024 * 1024;

/** Inner packets, as the protected side has them, and outer ones, as peers send them. */
export const Side = { inner: 0, outer: 1 } as const;
export type Side = (typeof Side)[keyof typeof Side];

export const Way = { inbound: 0, outbound: 1 } as const;
export type Way = (typeof Way)[keyof typeof Way];

const NOWHERE = -1;

export type RingMemory = SharedArrayBuffer;

export function allocateRing(bytes: number = RING_BYTES): RingMemory {
  return new SharedArrayBuffer(HEAD_BYTES + bytes);
}

/** What is added beside the bytes of the packet. */
export interface RingEntry {
  side: Side;
  way: Way;
  /** A DropReason; 0: it went on. */
  reason: number;
  clockMs: number;
  policy: Uint8Array;
  peer: Uint8Array;
  /** Of an outer packet, see envelope.ts; empty of an inner one. */
  envelope: Uint8Array;
}

export class RingWriter {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #capacity: number;
  /** Written, published or not. */
  #written = 0;

  constructor(memory: RingMemory) {
    this.#words = new Int32Array(memory);
    this.#doubles = new Float64Array(memory);
    this.#bytes = new Uint8Array(memory);
    this.#capacity = memory.byteLength - HEAD_BYTES;
    this.#written = Atomics.load(this.#words, Head.written);
  }

  /**
   * @param snapBytes most bytes of the packet that are kept
   * @returns the record, until it is published; {@link NOWHERE} where it is lost
   */
  add(entry: RingEntry, packet: Uint8Array, offset: number, length: number, snapBytes: number): number {
    const captured = Math.min(length, snapBytes);
    const { policy, peer, envelope } = entry;
    const bytes = RECORD_BYTES + captured + envelope.length + policy.length + peer.length;
    const size = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    const at = this.#reserve(size);
    if (at === NOWHERE) {
      Atomics.add(this.#words, Head.lost + entry.side, 1);
      return NOWHERE;
    }
    const word = at >> 2;
    this.#words[word + Word.size] = size;
    this.#words[word + Word.captured] = captured;
    this.#words[word + Word.original] = length;
    this.#words[word + Word.mark] = mark(entry.side, entry.way, entry.reason);
    this.#doubles[(word + Word.clockMs) >> 1] = entry.clockMs;
    this.#words[word + Word.names] = policy.length | (peer.length << 16);
    this.#words[word + Word.envelope] = envelope.length;
    let to = at + RECORD_BYTES;
    for (const part of [envelope, policy, peer]) {
      this.#bytes.set(part, to);
      to += part.length;
    }
    this.#bytes.set(packet.subarray(offset, offset + captured), to);
    return word;
  }

  /** Says afterwards why a packet was dropped. @param record that {@link add} gave, not published yet */
  changeReason(record: number, reason: number): void {
    if (record === NOWHERE) return;
    const cell = record + Word.mark;
    this.#words[cell] = (this.#words[cell]! & 0xff) | (reason << 8);
  }

  /** Lets the reader see what was added. */
  publish(): void {
    if (Atomics.load(this.#words, Head.written) !== this.#written)
      Atomics.store(this.#words, Head.written, this.#written);
  }

  /** @returns where in memory */
  #reserve(size: number): number {
    const at = (this.#written >>> 0) % this.#capacity;
    const toEnd = this.#capacity - at;
    const skipped = toEnd < size ? toEnd : 0;
    const used = (this.#written - Atomics.load(this.#words, Head.read)) >>> 0;
    if (used + skipped + size > this.#capacity) return NOWHERE;
    this.#written = (this.#written + skipped + size) | 0;
    if (skipped === 0) return HEAD_BYTES + at;
    this.#words[((HEAD_BYTES + at) >> 2) + Word.size] = -skipped;
    return HEAD_BYTES;
  }
}

/** A packet that was taken out of the ring; its bytes are its own. */
export interface RingPacket extends Omit<RingEntry, 'policy' | 'peer'> {
  readonly policy: string;
  readonly peer: string;
  readonly bytes: Uint8Array;
  /** Bytes of the packet, not all of which may be there. */
  readonly originalBytes: number;
}

export class RingReader {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #capacity: number;

  constructor(memory: RingMemory) {
    this.#words = new Int32Array(memory);
    this.#doubles = new Float64Array(memory);
    this.#bytes = new Uint8Array(memory);
    this.#capacity = memory.byteLength - HEAD_BYTES;
  }

  lost(side: Side): number {
    return Atomics.load(this.#words, Head.lost + side) >>> 0;
  }

  /** @returns the packets published so far, of so many bytes at most, but one at least */
  take(mostBytes: number): readonly RingPacket[] {
    const packets: RingPacket[] = [];
    const written = Atomics.load(this.#words, Head.written);
    let read = Atomics.load(this.#words, Head.read);
    for (let taken = 0; read !== written && taken < mostBytes;) {
      const at = HEAD_BYTES + ((read >>> 0) % this.#capacity);
      const size = this.#words[(at >> 2) + Word.size]!;
      if (size === 0) throw new InvariantError('a capture ring has a record of no size');
      if (size > 0) packets.push(this.#readRecord(at));
      read = (read + Math.abs(size)) | 0;
      taken += Math.abs(size);
    }
    Atomics.store(this.#words, Head.read, read);
    return packets;
  }

  #readRecord(at: number): RingPacket {
    const word = at >> 2;
    const marked = this.#words[word + Word.mark]!;
    const names = this.#words[word + Word.names]!;
    let from = at + RECORD_BYTES;
    const next = (length: number): Buffer => {
      from += length;
      return Buffer.from(this.#bytes.subarray(from - length, from));
    };
    return {
      side: (marked & 1) as Side,
      way: ((marked >> 1) & 1) as Way,
      reason: marked >> 8,
      clockMs: this.#doubles[(word + Word.clockMs) >> 1]!,
      envelope: next(this.#words[word + Word.envelope]!),
      policy: next(names & 0xffff).toString('utf8'),
      peer: next(names >>> 16).toString('utf8'),
      bytes: next(this.#words[word + Word.captured]!),
      originalBytes: this.#words[word + Word.original]!,
    };
  }
}

function mark(side: Side, way: Way, reason: number): number {
  return side | (way << 1) | (reason << 8);
}
