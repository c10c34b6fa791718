// The part of an SA that changes with packets: one row of doubles in memory that the main thread owns and one
// worker writes, so that it outlives the worker and can be read at any time. RFC 4301 §4.4.2.1.

/** Fields of a row. Integers below 2^53. */
export const SaField = {
  /** Outbound: the next sequence number (RFC 4303 §3.3.3). Inbound: the highest authenticated one. */
  sequence: 0,
  packets: 1,
  /** Bytes of inner packets. */
  bytes: 2,
  /** Monotonic milliseconds; 0 = never. */
  lastUsedMs: 3,
  /** Inbound: packets whose ICV did not match. */
  icvMismatches: 4,
  /** Inbound: packets refused by the anti-replay window. */
  replays: 5,
  /** Monotonic milliseconds. */
  createdMs: 6,
} as const;

const ROW_FIELDS = 8;

/** One SA's row, or a view of it in another thread. */
export type SaState = Float64Array<SharedArrayBuffer>;

/** @param nowMs monotonic milliseconds */
export function allocateSaState(nowMs: number): SaState {
  const state = new Float64Array(new SharedArrayBuffer(ROW_FIELDS * Float64Array.BYTES_PER_ELEMENT));
  state[SaField.createdMs] = nowMs;
  return state;
}
