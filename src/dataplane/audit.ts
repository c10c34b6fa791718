// Audits of dropped packets (RFC 4301 §9, §4.4.1, §5.2; RFC 4303 §4, §3.4.2 to §3.4.4): which reasons are auditable is a column
// of the drop reasons. Anybody can send packets that are dropped, so each reason has a few records a second, and the
// record after them says how many were left out. An audit never changes an SA.
// Deviation: RFC 4303 §3.4.2 wants the flow label of an IPv6 outer header; a UDP socket does not show it.

import { createFlow, flowAddress, FlowWord, readFlow } from '../spd/flow.ts';
import { ESP_SEQUENCE_NUMBER, ESP_SPI } from '../wire/esp.ts';
import { readInt32 } from '../wire/bytes.ts';
import { ADDRESS_CELL_BYTES, DatagramIn, type BatchMemory } from './batch-memory.ts';
import { Drop, DROP_REASONS, type DropReason } from './drop-reasons.ts';

/** Records of one reason in one {@link WINDOW_MS}. */
const RECORDS_PER_WINDOW = 4;
const WINDOW_MS = 1000;

/** The inner packet as a policy sees it; addresses as in {@link AuditRecord}. */
export interface AuditedSelectors {
  readonly localAddress: Uint8Array;
  readonly remoteAddress: Uint8Array;
  readonly protocol: number;
  /** Local port × 65536 + remote port, or ICMP type × 256 + code. */
  readonly ports: number;
}

export interface AuditRecord {
  readonly reason: DropReason;
  /** Monotonic milliseconds. */
  readonly atMs: number;
  /** Drops of this reason since the record before that have no record of their own. */
  readonly suppressed: number;
  /** The outer packet; of an outbound one, which was not made, SPI and destination alone. Addresses have 4 or 16 bytes in network order. */
  readonly spi?: number;
  /** Low 32 bits, as the packet has them. */
  readonly sequence?: number;
  readonly source?: Uint8Array;
  readonly sourcePort?: number;
  /** All zeros where the devices do not say. */
  readonly destination?: Uint8Array;
  /** Where the inner packet is known to be one. */
  readonly selectors?: AuditedSelectors;
}

/** Reasons behind decryption, of packets whose selectors were read. */
const JUDGED_BY_SELECTORS: ReadonlySet<DropReason> = new Set([
  Drop.inboundFragmentPorts,
  Drop.inboundOutsideSelectors,
  Drop.inboundNoPolicy,
  Drop.inboundDiscard,
  Drop.inboundWrongSa,
]);

/** An outbound SA. */
interface AuditedSa {
  readonly spi: number;
  readonly peer: { readonly endpoint: { readonly address: Uint8Array } | undefined };
}

export class Audit {
  readonly #memory: BatchMemory;
  readonly #onRecord: (record: AuditRecord) => void;
  readonly #isAuditable = Uint8Array.from(DROP_REASONS, ({ auditable }) => (auditable ? 1 : 0));
  /** Of each reason: when its window began, and what was in it. */
  readonly #windowStarts = new Float64Array(DROP_REASONS.length).fill(-Infinity);
  readonly #records = new Int32Array(DROP_REASONS.length);
  readonly #suppressed = new Float64Array(DROP_REASONS.length);
  readonly #flow = createFlow();
  /** Monotonic milliseconds at which {@link report} has something to say. */
  nextMs: number = Infinity;

  constructor(memory: BatchMemory, onRecord: (record: AuditRecord) => void) {
    this.#memory = memory;
    this.#onRecord = onRecord;
  }

  /** @param offset of the packet that came from the TUN @param sa that was to carry it, where there was one */
  outbound(reason: DropReason, offset: number, length: number, sa?: AuditedSa): void {
    if (!this.#admits(reason)) return;
    const selectors = this.#selectorsOf(offset, length, true);
    // RFC 4303 §3.3.3: the SPI and where it would have gone.
    const destination = sa?.peer.endpoint?.address;
    this.#record({
      ...this.#head(reason),
      ...(sa && { spi: sa.spi >>> 0 }),
      ...(destination && { destination }),
      ...(selectors && { selectors }),
    });
  }

  /**
   * @param datagram row of the DatagramIn that carried the packet
   * @param offset of the ESP packet, whose header is whole
   * @param inner offset of the decrypted packet; looked at only where the reason says that it is one
   */
  inbound(reason: DropReason, datagram: number, offset: number, inner: number, innerLength: number): void {
    if (!this.#admits(reason)) return;
    const { arena, datagramsIn, sources, destinations } = this.#memory;
    const row = datagram * DatagramIn.stride;
    const cell = datagram * ADDRESS_CELL_BYTES;
    const end = cell + (datagramsIn[row + DatagramIn.family] === 4 ? 4 : 16);
    const selectors = JUDGED_BY_SELECTORS.has(reason)
      ? this.#selectorsOf(inner, innerLength, false)
      : undefined;
    this.#record({
      ...this.#head(reason),
      spi: readInt32(arena, offset + ESP_SPI) >>> 0,
      sequence: readInt32(arena, offset + ESP_SEQUENCE_NUMBER) >>> 0,
      source: sources.slice(cell, end),
      sourcePort: datagramsIn[row + DatagramIn.sourcePort]!,
      destination: destinations.slice(cell, end),
      ...(selectors && { selectors }),
    });
  }

  /** A drop of which no packet is at hand any more. */
  alone(reason: DropReason): void {
    if (this.#admits(reason)) this.#record(this.#head(reason));
  }

  /** Says how many drops had no record, where no record has come since to say it. */
  report(clock: Float64Array): void {
    if (clock[0]! < this.nextMs) return;
    this.nextMs = Infinity;
    for (let reason = 0; reason < this.#suppressed.length; reason++) {
      if (this.#suppressed[reason] === 0) continue;
      const endMs = this.#windowStarts[reason]! + WINDOW_MS;
      if (clock[0]! >= endMs) this.#record(this.#head(reason));
      else this.nextMs = Math.min(this.nextMs, endMs);
    }
  }

  #admits(reason: DropReason): boolean {
    if (this.#isAuditable[reason] !== 1) return false;
    const nowMs = this.#memory.clock[0]!;
    if (nowMs >= this.#windowStarts[reason]! + WINDOW_MS) {
      this.#windowStarts[reason] = nowMs;
      this.#records[reason] = 0;
    }
    if (this.#records[reason]! < RECORDS_PER_WINDOW) {
      this.#records[reason] = this.#records[reason]! + 1;
      return true;
    }
    this.#suppressed[reason] = this.#suppressed[reason]! + 1;
    // Once in a window, so that nothing is boxed per packet.
    if (this.#suppressed[reason] === 1)
      this.nextMs = Math.min(this.nextMs, this.#windowStarts[reason]! + WINDOW_MS);
    return false;
  }

  #head(reason: DropReason): AuditRecord {
    const suppressed = this.#suppressed[reason]!;
    this.#suppressed[reason] = 0;
    return { reason, atMs: this.#memory.clock[0]!, suppressed };
  }

  #record(record: AuditRecord): void {
    this.#onRecord(record);
  }

  #selectorsOf(offset: number, length: number, outbound: boolean): AuditedSelectors | undefined {
    const flow = this.#flow;
    if (!readFlow(flow, this.#memory.arena, offset, length, outbound)) return undefined;
    const protocolWord = flow[FlowWord.protocol]!;
    return {
      localAddress: flowAddress(flow, FlowWord.localAddress),
      remoteAddress: flowAddress(flow, FlowWord.remoteAddress),
      protocol: protocolWord & 0xff,
      ports: flow[FlowWord.ports]! >>> 0,
    };
  }
}
