// What the data plane counts beside SAs: one cell per drop reason and a few totals, in memory that the main
// thread owns and one worker writes.

import { DROP_REASONS } from './drop-reasons.ts';

/** Cells behind those of the drop reasons, which leave room for more of them. */
export const Counter = {
  outboundPackets: 64,
  inboundPackets: 65,
  /** Decrypted packets that a BYPASS policy would have let pass in clear (RFC 4301 §5.2). */
  inboundBypassPackets: 66,
  natKeepalives: 67,
  natKeepalivesSent: 68,
  /** Dummy packets sent (RFC 4303 §2.6). */
  outboundDummies: 69,
  /** ICMP messages to senders of packets that do not fit the path MTU. */
  tooBigMessages: 70,
  /** Packets from the TUN that a BYPASS policy let out in clear; a super-packet counts as one. */
  outboundBypassPackets: 71,
  /** IKE datagrams handed to the main thread. */
  ikeDatagrams: 72,
  ikeDatagramsSent: 73,
  /** As before, but by the main thread itself, which alone writes this cell. */
  ikeDatagramsSentAtOnce: 74,
  /** First messages of IKE from strangers that came as far as the worker, whatever became of them; without a cookie. */
  strangersFirstMessages: 75,
  /** With one. */
  cookieFirstMessages: 76,
  /** Frames and ESP packets that another worker works on. */
  framesHandedOver: 77,
  datagramsHandedOver: 78,
  /** Milliseconds that a worker spent looking again and again before it slept. */
  busyPolledMs: 79,
} as const;

const CELLS = 96;

export type Counters = Float64Array<SharedArrayBuffer>;

export function allocateCounters(): Counters {
  return new Float64Array(new SharedArrayBuffer(CELLS * Float64Array.BYTES_PER_ELEMENT));
}

/** Cells for each worker, because a double has one writer. */
export class WorkerCounters {
  readonly each: readonly [Counters, ...Counters[]];

  constructor(workers: number) {
    const others = Array.from({ length: workers - 1 }, () => allocateCounters());
    this.each = [allocateCounters(), ...others];
  }

  /** What all of them have counted until now. */
  get sum(): Float64Array {
    return Float64Array.from(this.each[0], (_, cell) =>
      this.each.reduce((sum, counters) => sum + (counters[cell] ?? 0), 0),
    );
  }
}

/** The reasons that were met, by name. */
export function readDrops(counters: Float64Array): Record<string, number> {
  const drops: Record<string, number> = {};
  DROP_REASONS.forEach((reason, index) => {
    const count = counters[index] ?? 0;
    if (index > 0 && count > 0) drops[reason.name] = count;
  });
  return drops;
}
