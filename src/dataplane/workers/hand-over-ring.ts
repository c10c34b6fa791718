// Packets from one worker to another: a ring in shared memory with one writer and one reader. Neither waits for the other.
// What finds no room is dropped by who would write it; what was added is seen when it is published, and what was taken is
// given up before anybody works on it, so that a packet of which a worker ends does not meet the next one.

import { ADDRESS_CELL_BYTES } from '../batch-memory.ts';

/** Cells before the records; a processor's cache line each. */
const Head = {
  /** Bytes that were ever published, modulo 2^32; written by the writer. */
  written: 0,
  /** Bytes that were ever taken; written by the reader. */
  taken: 16,
} as const;
const HEAD_BYTES = 128;

/** Words of a record; the bytes of the packet stand behind them. */
const Word = {
  /** Bytes of the whole record; negative: nothing lies here up to the end of the ring. */
  size: 0,
  length: 1,
  /** Low bits of where the packet lay and will lie in an arena: equal ones let whole words be copied. */
  phase: 2,
  /** The row of the table that the packet stood in, as Frame and DatagramIn have it. */
  row: 4,
  /** Source and destination of a datagram. */
  addresses: 12,
} as const;
const RECORD_BYTES = 80;
const ALIGNMENT = 8;
const ROW_WORDS = 8;
const CELL_WORDS = ADDRESS_CELL_BYTES / 4;
const NONE = -1;

export type HandOverMemory = SharedArrayBuffer;

/** @param bytes a power of two */
export function allocateHandOver(bytes: number): HandOverMemory {
  return new SharedArrayBuffer(HEAD_BYTES + bytes);
}

/** Copies bytes whose offsets have the same low two bits: word by word, and no view is made. */
class Copier {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;

  constructor(buffer: ArrayBufferLike, byteOffset: number, byteLength: number) {
    this.bytes = new Uint8Array(buffer, byteOffset, byteLength);
    this.words = new Int32Array(buffer, byteOffset, byteLength >> 2);
  }

  copyTo(target: Copier, from: number, to: number, length: number): void {
    const end = from + length;
    let at = from;
    let by = to;
    for (; (at & 3) !== 0 && at < end; at++, by++) target.bytes[by] = this.bytes[at]!;
    const wordsEnd = at + ((end - at) & ~3);
    const { words } = this;
    const { words: targetWords } = target;
    for (let word = at >> 2, other = by >> 2; word < wordsEnd >> 2; word++, other++)
      targetWords[other] = words[word]!;
    by += wordsEnd - at;
    for (at = wordsEnd; at < end; at++, by++) target.bytes[by] = this.bytes[at]!;
  }
}

function viewOf(bytes: Uint8Array): Copier {
  return new Copier(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Where a packet lies, or is to lie: tables of a worker's batch memory. */
export interface PacketPlace {
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
  /** Of datagrams alone. */
  readonly sources?: Uint8Array;
  readonly destinations?: Uint8Array;
}

interface Place {
  readonly arena: Copier;
  readonly rows: Int32Array;
  readonly sources: Int32Array | undefined;
  readonly destinations: Int32Array | undefined;
}

function placeOf({ arena, rows, sources, destinations }: PacketPlace): Place {
  return {
    arena: viewOf(arena),
    rows,
    sources: sources && viewOf(sources).words,
    destinations: destinations && viewOf(destinations).words,
  };
}

export class HandOverWriter {
  readonly #place: Place;
  readonly #ring: Copier;
  readonly #capacity: number;
  /** Written, published or not. */
  #written: number;
  /** The record that was added last, as long as it is not published. */
  #last = NONE;

  constructor(memory: HandOverMemory, place: PacketPlace) {
    this.#place = placeOf(place);
    this.#ring = new Copier(memory, 0, memory.byteLength);
    this.#capacity = memory.byteLength - HEAD_BYTES;
    this.#written = Atomics.load(this.#ring.words, Head.written);
  }

  /** @param row of the packet, in the table of the place @returns false where there is no room */
  add(row: number, offset: number, length: number): boolean {
    const phase = offset & 3;
    const at = this.#reserve(sizeOf(phase, length));
    if (at === NONE) return false;
    const { arena, rows, sources, destinations } = this.#place;
    const { words } = this.#ring;
    const word = at >> 2;
    words[word + Word.size] = sizeOf(phase, length);
    words[word + Word.length] = length;
    words[word + Word.phase] = phase;
    for (let i = 0; i < ROW_WORDS; i++) words[word + Word.row + i] = rows[row * ROW_WORDS + i]!;
    if (sources !== undefined && destinations !== undefined)
      for (let i = 0; i < CELL_WORDS; i++) {
        words[word + Word.addresses + i] = sources[row * CELL_WORDS + i]!;
        words[word + Word.addresses + CELL_WORDS + i] = destinations[row * CELL_WORDS + i]!;
      }
    arena.copyTo(this.#ring, offset, at + RECORD_BYTES + phase, length);
    this.#last = at;
    return true;
  }

  /** Puts the bytes that follow in the arena behind the packet that was added last, which must not be published. @returns false where there is no room */
  extend(offset: number, length: number): boolean {
    const { words } = this.#ring;
    const word = this.#last >> 2;
    const size = words[word + Word.size]!;
    const before = words[word + Word.length]!;
    const phase = words[word + Word.phase]!;
    const grown = sizeOf(phase, before + length);
    const isAtEnd = this.#last - HEAD_BYTES + grown > this.#capacity;
    if (isAtEnd || this.#used() + grown - size > this.#capacity) return false;
    this.#place.arena.copyTo(this.#ring, offset, this.#last + RECORD_BYTES + phase + before, length);
    words[word + Word.size] = grown;
    words[word + Word.length] = before + length;
    this.#written = (this.#written + grown - size) | 0;
    return true;
  }

  /** Lets the reader see what was added. @returns false where there was nothing */
  publish(): boolean {
    if (this.#last === NONE) return false;
    this.#last = NONE;
    Atomics.store(this.#ring.words, Head.written, this.#written);
    return true;
  }

  #used(): number {
    return (this.#written - Atomics.load(this.#ring.words, Head.taken)) >>> 0;
  }

  /** @returns where in memory */
  #reserve(size: number): number {
    const at = (this.#written >>> 0) % this.#capacity;
    const toEnd = this.#capacity - at;
    const skipped = toEnd < size ? toEnd : 0;
    if (this.#used() + skipped + size > this.#capacity) return NONE;
    this.#written = (this.#written + skipped + size) | 0;
    if (skipped === 0) return HEAD_BYTES + at;
    this.#ring.words[((HEAD_BYTES + at) >> 2) + Word.size] = -skipped;
    return HEAD_BYTES;
  }
}

export class HandOverReader {
  readonly #place: Place;
  readonly #ring: Copier;
  readonly #capacity: number;

  constructor(memory: HandOverMemory, place: PacketPlace) {
    this.#place = placeOf(place);
    this.#ring = new Copier(memory, 0, memory.byteLength);
    this.#capacity = memory.byteLength - HEAD_BYTES;
  }

  get isEmpty(): boolean {
    const { words } = this.#ring;
    return Atomics.load(words, Head.written) === Atomics.load(words, Head.taken);
  }

  /**
   * Takes the oldest packet. Its row says where it lies; the rest of the row is as it was handed over.
   * @param row of the place that it becomes @param position multiple of 4 in the arena, with room for any packet
   * @returns where its bytes end, or -1 where there is none
   */
  take(row: number, position: number): number {
    const { words } = this.#ring;
    let taken = Atomics.load(words, Head.taken);
    if (Atomics.load(words, Head.written) === taken) return NONE;
    let at = HEAD_BYTES + ((taken >>> 0) % this.#capacity);
    const skipped = words[(at >> 2) + Word.size]!;
    if (skipped < 0) {
      taken -= skipped;
      at = HEAD_BYTES;
    }
    const word = at >> 2;
    const { arena, rows, sources, destinations } = this.#place;
    const length = words[word + Word.length]!;
    const phase = words[word + Word.phase]!;
    for (let i = 0; i < ROW_WORDS; i++) rows[row * ROW_WORDS + i] = words[word + Word.row + i]!;
    if (sources !== undefined && destinations !== undefined)
      for (let i = 0; i < CELL_WORDS; i++) {
        sources[row * CELL_WORDS + i] = words[word + Word.addresses + i]!;
        destinations[row * CELL_WORDS + i] = words[word + Word.addresses + CELL_WORDS + i]!;
      }
    const offset = position + phase;
    this.#ring.copyTo(arena, at + RECORD_BYTES + phase, offset, length);
    // Frame and DatagramIn both begin with these.
    rows[row * ROW_WORDS] = offset;
    rows[row * ROW_WORDS + 1] = length;
    Atomics.store(words, Head.taken, (taken + words[word + Word.size]!) | 0);
    return offset + length;
  }
}

function sizeOf(phase: number, length: number): number {
  return (RECORD_BYTES + phase + length + ALIGNMENT - 1) & -ALIGNMENT;
}
