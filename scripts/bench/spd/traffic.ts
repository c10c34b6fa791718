// Writes batches of packets into the batch memory, where the devices would have put them.
// Between two batches only what differs is written, outside of what is measured.

import { DatagramIn, Frame, type BatchMemory } from '../../../src/dataplane/batch-memory.ts';
import { writeInt32, writeUint16 } from '../../../src/wire/bytes.ts';
import { ESP_SEQUENCE_NUMBER, ESP_SPI } from '../../../src/wire/esp.ts';
import {
  IPV4_DESTINATION,
  IPV4_HEADER_BYTES,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TIME_TO_LIVE,
  IPV4_TOTAL_LENGTH,
} from '../../../src/wire/ipv4.ts';
import { PROTOCOL_IPV4, PROTOCOL_UDP } from '../../../src/wire/protocol-numbers.ts';
import { UDP_LENGTH } from '../../../src/wire/udp.ts';
import { remoteEndOf } from './policies.ts';
import type { Curve, Direction, SpdSize } from './results.ts';
import { spiOf } from './sa-supply.ts';

/** Packets of one batch. */
export const BATCH_PACKETS = 128;
const SLOT_BYTES = 256;
export const INNER_BYTES = 64;
/** Header and IV of AES-GCM. */
export const ESP_BYTES_BEFORE = 16;
const PADDING_BYTES = 2;
const TRAILER_BYTES = 2;
const ICV_BYTES = 16;
const ESP_BYTES = ESP_BYTES_BEFORE + INNER_BYTES + PADDING_BYTES + TRAILER_BYTES + ICV_BYTES;

/** 10.0.0.1 */
const KNOWN_LOCAL_ADDRESS = 0x0a00_0001;
const KNOWN_LOCAL_PORT = 40_000;
/** 10.1.0.0: local addresses of new flows, sixteen bits of them. */
const NEW_LOCAL_ADDRESS = 0x0a01_0000;

export class Traffic {
  readonly #memory: BatchMemory;
  readonly #size: SpdSize;
  readonly #direction: Direction;
  /** The SAs, in the order in which packets meet them. */
  readonly #order: Int32Array;
  /** Last sequence number of each inbound SA. */
  readonly #sequences: Uint32Array;
  #position = 0;
  #newFlows = 0;

  constructor(memory: BatchMemory, size: SpdSize, direction: Direction) {
    this.#memory = memory;
    this.#size = size;
    this.#direction = direction;
    // Of the outbound SAs of one policy only the newest carries packets.
    const targets = direction === 'outbound' ? Math.min(size.policies, size.sas) : size.sas;
    this.#order = shuffled(targets);
    this.#sequences = new Uint32Array(size.sas);
  }

  /** Batches after which a curve meets again what it met before. */
  get batchesOfAllSas(): number {
    return Math.ceil(this.#order.length / BATCH_PACKETS);
  }

  /** Writes what is the same in every batch. The memory is shared with the traffic of other sizes. */
  writeTables(): void {
    if (this.#direction === 'outbound') this.#writeFrames();
    else this.#writeDatagrams();
  }

  /** Writes the addresses, ports, SPIs and sequence numbers of one batch. */
  writeBatch(curve: Curve): void {
    const { policies } = this.#size;
    for (let row = 0; row < BATCH_PACKETS; row++) {
      const sa = curve === 'repeated' ? 0 : this.#nextSa();
      const { address, port } = remoteEndOf(sa % policies, policies);
      let localAddress = KNOWN_LOCAL_ADDRESS;
      let localPort = KNOWN_LOCAL_PORT;
      if (curve === 'new') {
        const flow = this.#newFlows++;
        localAddress = NEW_LOCAL_ADDRESS | ((flow >>> 16) & 0xffff);
        localPort = flow & 0xffff;
      }
      if (this.#direction === 'inbound') this.#writeEspHeader(row, sa);
      this.#writeEnds(this.#innerOffset(row), localAddress, localPort, address, port);
    }
  }

  #nextSa(): number {
    const sa = this.#order[this.#position]!;
    this.#position = this.#position + 1 === this.#order.length ? 0 : this.#position + 1;
    return sa;
  }

  /** Where the inner packet of a row lies. */
  #innerOffset(row: number): number {
    return this.#direction === 'outbound'
      ? this.#memory.framesOffset + row * SLOT_BYTES
      : this.#memory.receivedOffset + row * SLOT_BYTES + ESP_BYTES_BEFORE;
  }

  #writeFrames(): void {
    const { frames } = this.#memory;
    frames.fill(0);
    for (let row = 0; row < BATCH_PACKETS; row++) {
      frames[row * Frame.stride + Frame.offset] = this.#innerOffset(row);
      frames[row * Frame.stride + Frame.length] = INNER_BYTES;
      this.#writeInner(this.#innerOffset(row));
    }
  }

  #writeDatagrams(): void {
    const { datagramsIn, arena } = this.#memory;
    datagramsIn.fill(0);
    for (let row = 0; row < BATCH_PACKETS; row++) {
      const inner = this.#innerOffset(row);
      datagramsIn[row * DatagramIn.stride + DatagramIn.offset] = inner - ESP_BYTES_BEFORE;
      datagramsIn[row * DatagramIn.stride + DatagramIn.length] = ESP_BYTES;
      datagramsIn[row * DatagramIn.stride + DatagramIn.family] = 4;
      this.#writeInner(inner);
      // RFC 4303 §2.4: padding is 1, 2 …, then its length and the next header.
      arena.set([1, 2, PADDING_BYTES, PROTOCOL_IPV4], inner + INNER_BYTES);
    }
  }

  /** A UDP packet without addresses and ports; nobody here looks at the checksums. */
  #writeInner(at: number): void {
    const { arena } = this.#memory;
    arena.fill(0, at, at + INNER_BYTES);
    arena[at] = 0x45;
    writeUint16(arena, at + IPV4_TOTAL_LENGTH, INNER_BYTES);
    arena[at + IPV4_TIME_TO_LIVE] = 64;
    arena[at + IPV4_PROTOCOL] = PROTOCOL_UDP;
    writeUint16(arena, at + IPV4_HEADER_BYTES + UDP_LENGTH, INNER_BYTES - IPV4_HEADER_BYTES);
  }

  #writeEnds(at: number, localAddress: number, localPort: number, address: number, port: number): void {
    const { arena } = this.#memory;
    const isOutbound = this.#direction === 'outbound';
    writeInt32(arena, at + IPV4_SOURCE, isOutbound ? localAddress : address);
    writeInt32(arena, at + IPV4_DESTINATION, isOutbound ? address : localAddress);
    writeUint16(arena, at + IPV4_HEADER_BYTES, isOutbound ? localPort : port);
    writeUint16(arena, at + IPV4_HEADER_BYTES + 2, isOutbound ? port : localPort);
  }

  #writeEspHeader(row: number, sa: number): void {
    const { arena, receivedOffset } = this.#memory;
    const at = receivedOffset + row * SLOT_BYTES;
    const sequence = this.#sequences[sa]! + 1;
    this.#sequences[sa] = sequence;
    writeInt32(arena, at + ESP_SPI, spiOf(sa));
    writeInt32(arena, at + ESP_SEQUENCE_NUMBER, sequence);
  }
}

/** 0 … length - 1 in random order, so that nothing can be fetched ahead. */
function shuffled(length: number): Int32Array {
  const order = Int32Array.from({ length }, (_, index) => index);
  for (let left = length - 1; left > 0; left--) {
    const other = Math.floor(Math.random() * (left + 1));
    [order[left], order[other]] = [order[other]!, order[left]!];
  }
  return order;
}
