// What the data plane counts beside SAs: one cell per drop reason and a few totals, in memory that the main
// thread owns and one worker writes.

import { DROP_REASONS } from './drop-reasons.ts';

const TOTALS_START = 64;

/** Cells behind the drop reasons. */
export const Counter = {
  outboundPackets: TOTALS_START,
  inboundPackets: TOTALS_START + 1,
  /** Decrypted packets that a BYPASS policy would have let pass in clear (RFC 4301 §5.2). */
  inboundBypassPackets: TOTALS_START + 2,
  natKeepalives: TOTALS_START + 3,
} as const;

const CELLS = TOTALS_START + 8;

export type Counters = Float64Array<SharedArrayBuffer>;

export function allocateCounters(): Counters {
  return new Float64Array(new SharedArrayBuffer(CELLS * Float64Array.BYTES_PER_ELEMENT));
}

/** The reasons that were met, by name. */
export function readDrops(counters: Counters): Record<string, number> {
  const drops: Record<string, number> = {};
  DROP_REASONS.forEach((reason, index) => {
    const count = counters[index] ?? 0;
    if (index > 0 && count > 0) drops[reason.name] = count;
  });
  return drops;
}
