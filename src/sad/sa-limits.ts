// The limits of an SA in its row of shared memory, and what a packet does to them: RFC 4301 §4.4.2.1 for lifetimes,
// RFC 4303 §3.3.3 for sequence numbers. It measures; who ends an SA is the data plane.

import type { SaLifetime } from '../spd/sa-lifetime.ts';
import { SaField, type SaState } from './sa-state.ts';

/** Why an SA ends, or should be replaced. */
export type ExpireCause = 'time' | 'bytes' | 'packets' | 'sequence';

/** RFC 4303 §2.2: 32 bits without extended sequence numbers. */
const SEQUENCE_END = 2 ** 32;
/** RFC 4303 §2.2.1 allows 2^64; this program counts in safe integers. */
const SEQUENCE_END_ESN = 2 ** 53;
/** A sixteenth of the numbers is time enough to replace the SA. */
const SOFT_SEQUENCE_PART = 15 / 16;

/** @returns the first number that an outbound SA must not send */
export function sequenceEnd(esn: boolean): number {
  return esn ? SEQUENCE_END_ESN : SEQUENCE_END;
}

/** Plain numbers, because they cross to a worker. */
export interface SaLimits {
  readonly softPackets: number;
  readonly hardPackets: number;
  readonly softBytes: number;
  readonly hardBytes: number;
  /** Monotonic milliseconds. */
  readonly softAtMs: number;
  readonly hardAtMs: number;
}

/** @param createdMs monotonic milliseconds */
export function limitsOf({ timeMs, bytes, packets }: SaLifetime, createdMs: number): SaLimits {
  return {
    softPackets: packets?.soft ?? Infinity,
    hardPackets: packets?.hard ?? Infinity,
    softBytes: bytes?.soft ?? Infinity,
    hardBytes: bytes?.hard ?? Infinity,
    softAtMs: createdMs + (timeMs?.soft ?? Infinity),
    hardAtMs: createdMs + (timeMs?.hard ?? Infinity),
  };
}

export function writeLimits(state: SaState, limits: SaLimits): void {
  state[SaField.softPackets] = limits.softPackets;
  state[SaField.hardPackets] = limits.hardPackets;
  state[SaField.softBytes] = limits.softBytes;
  state[SaField.hardBytes] = limits.hardBytes;
  state[SaField.softAtMs] = limits.softAtMs;
  state[SaField.hardAtMs] = limits.hardAtMs;
}

/** RFC 4303 §3.3.3: the numbers of an outbound SA end before they would cycle. */
export function writeSequenceLimits(state: SaState, esn: boolean): void {
  state[SaField.softSequence] = sequenceEnd(esn) * SOFT_SEQUENCE_PART;
  state[SaField.hardSequence] = sequenceEnd(esn);
}

/** True where so many packets and bytes more would cross a hard limit. */
export function crossesHardLimit(state: SaState, packets: number, bytes: number): boolean {
  return (
    state[SaField.protectedPackets]! + packets > state[SaField.hardPackets]! ||
    state[SaField.protectedBytes]! + bytes > state[SaField.hardBytes]!
  );
}

/** True where a soft limit of packets, bytes or sequence numbers is met for the first time. */
export function meetsSoftLimit(state: SaState): boolean {
  return (
    state[SaField.softExpired] === 0 &&
    (state[SaField.protectedPackets]! >= state[SaField.softPackets]! ||
      state[SaField.protectedBytes]! >= state[SaField.softBytes]! ||
      state[SaField.sequence]! >= state[SaField.softSequence]!)
  );
}

/** Counts packets that were sent, or authenticated. */
export function countProtected(state: SaState, packets: number, bytes: number): void {
  state[SaField.protectedPackets] = state[SaField.protectedPackets]! + packets;
  state[SaField.protectedBytes] = state[SaField.protectedBytes]! + bytes;
}

/** Which hard limit these packets and bytes would cross. */
export function hardCause(state: SaState, packets: number): ExpireCause {
  return state[SaField.protectedPackets]! + packets > state[SaField.hardPackets]! ? 'packets' : 'bytes';
}

export function softCause(state: SaState): ExpireCause {
  if (state[SaField.protectedPackets]! >= state[SaField.softPackets]!) return 'packets';
  return state[SaField.protectedBytes]! >= state[SaField.softBytes]! ? 'bytes' : 'sequence';
}
