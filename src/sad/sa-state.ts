// The part of an SA that changes with packets, and the limits that packets are held against: one row of doubles in
// memory that the main thread owns. The main thread fills the row before it hands the SA out; from then on one
// worker writes it, so that it outlives the worker and can be read at any time. RFC 4301 §4.4.2.1.

import { SharedRows } from './shared-rows.ts';

/** Fields of a row. Integers below 2^53, Infinity for a limit that is not set. */
export const SaField = {
  /** Outbound: the next sequence number (RFC 4303 §3.3.3). Inbound: the highest authenticated one. */
  sequence: 0,
  packets: 1,
  /** Bytes of inner packets. */
  bytes: 2,
  /** Monotonic milliseconds; 0 = never. Inbound: the last authenticated packet, whatever became of it. */
  lastUsedMs: 3,
  /** Inbound: packets whose ICV did not match. */
  icvMismatches: 4,
  /** Inbound: packets refused by the anti-replay window. */
  replays: 5,
  /** Monotonic milliseconds. */
  createdMs: 6,
  /** Packets sent, or received and authenticated, whatever a policy said of them: what a lifetime counts. */
  protectedPackets: 7,
  /** Bytes that the transform was applied to, padding and trailer included (RFC 4301 §4.4.2.1). */
  protectedBytes: 8,
  softPackets: 9,
  hardPackets: 10,
  softBytes: 11,
  hardBytes: 12,
  /** Outbound: from this number on the SA should be replaced. */
  softSequence: 13,
  /** Outbound: the first number that must not be sent (RFC 4303 §3.3.3). */
  hardSequence: 14,
  /** Monotonic milliseconds. */
  softAtMs: 15,
  hardAtMs: 16,
  /** 1 as soon as a soft limit was met. */
  softExpired: 17,
  /** Outbound: the end of the block of numbers in use. */
  blockEnd: 18,
} as const;

const ROW_FIELDS = 19;

/** One SA's row, or a view of it in another thread. */
export type SaState = Float64Array<SharedArrayBuffer>;

/** Another view of a row. */
export function stateAt(buffer: SharedArrayBuffer, byteOffset: number): SaState {
  return new Float64Array(buffer, byteOffset, ROW_FIELDS);
}

export class SaStates {
  readonly #rows = new SharedRows<SaState>(Float64Array, ROW_FIELDS);

  /** @param nowMs monotonic milliseconds @returns a row without limits */
  take(nowMs: number): SaState {
    const state = this.#rows.take();
    state[SaField.createdMs] = nowMs;
    state.fill(Infinity, SaField.softPackets, SaField.hardAtMs + 1);
    return state;
  }

  release(state: SaState): void {
    this.#rows.release(state);
  }
}
