// A capture of a packet path in a test: all that it sees, in order.

import type { CaptureFilter, StartCapture } from '../../src/dataplane/capture/capture-commands.ts';
import { allocateRing, RingReader, Side, type RingPacket } from '../../src/dataplane/capture/capture-ring.ts';
import { DROP_REASONS } from '../../src/dataplane/drop-reasons.ts';
import { IKE_SOCKETS, type TestSite } from './packet-path-link.ts';

export const EVERYTHING: CaptureFilter = { inner: true, outer: true };

export interface CapturingOptions {
  readonly filter?: CaptureFilter;
  readonly ringBytes?: number;
  readonly snapBytes?: number;
}

let lastId = 0;

export class Capturing {
  readonly id: number = ++lastId;
  /** That has begun it. */
  readonly command: StartCapture;
  readonly #site: TestSite;
  readonly #reader: RingReader;

  constructor(site: TestSite, { filter = EVERYTHING, ringBytes, snapBytes = 65_536 }: CapturingOptions = {}) {
    const memory = allocateRing(ringBytes);
    this.#site = site;
    this.#reader = new RingReader(memory);
    this.command = {
      type: 'start-capture',
      id: this.id,
      memories: [memory],
      filter,
      snapBytes,
      sockets: IKE_SOCKETS,
    };
    site.path.execute(this.command);
  }

  /** What has come since, and must not have been too much. */
  take(): readonly RingPacket[] {
    if (this.lost > 0) throw new Error(`${this.lost} packets were lost`);
    return this.#reader.take(Infinity);
  }

  get lost(): number {
    return this.#reader.lost(Side.inner) + this.#reader.lost(Side.outer);
  }

  stop(): void {
    this.#site.path.execute({ type: 'stop-capture', id: this.id });
  }
}

/** How often each reason stands on one side of what was captured, by name. */
export function reasonsOn(side: Side, packets: readonly RingPacket[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const packet of packets) {
    const name = DROP_REASONS[packet.reason]?.name ?? 'unknown';
    if (packet.side === side && packet.reason !== 0) counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Each drop where it shows: outbound ones of packets in clear, and of datagrams that were sent; inbound ones of datagrams. */
export function dropsIn(packets: readonly RingPacket[]): Record<string, number> {
  const inner = packets.filter(({ reason }) => DROP_REASONS[reason]?.direction === 'outbound');
  const drops = { ...reasonsOn(Side.inner, inner) };
  for (const [name, count] of Object.entries(reasonsOn(Side.outer, packets)))
    drops[name] = (drops[name] ?? 0) + count;
  return drops;
}
