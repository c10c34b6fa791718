// What crosses between the main thread and a worker: commands down, events up. All of it is plain data.

import type { ExpireCause } from '../sad/sa-limits.ts';
import type { Endpoint, SaChange, SaReference, SequenceBlock } from '../sad/security-association.ts';
import type { TunnelPeer } from '../sad/tunnel-peer.ts';
import type { CompiledSpd } from '../spd/compiled-spd.ts';
import type { AuditRecord } from './audit.ts';
import type { CaptureCommand } from './capture/capture-commands.ts';
import type { IkeCommand, IkeEvent } from './ike-events.ts';

export type Command =
  /** Swaps in new policies between two batches. Generations rise. */
  | { readonly type: 'use-policies'; readonly spd: CompiledSpd }
  /** `moveTo`: where it is from now on, wherever it was seen; left out, it stays where it is. */
  | {
      readonly type: 'use-peer';
      readonly peer: TunnelPeer;
      readonly moveTo?: Endpoint | 'unknown' | undefined;
    }
  | SaChange
  /** Gives an outbound SA its next block of sequence numbers; nothing where the SA is gone. */
  | { readonly type: 'grant-sequence'; readonly sa: SaReference; readonly block: SequenceBlock }
  /** Another worker has seen packets of a peer come from there, and they go there now. */
  | { readonly type: 'peer-seen'; readonly peer: string; readonly endpoint: Endpoint }
  /** Another worker has learned the path MTU to a peer, or has forgotten it (undefined). */
  | { readonly type: 'path-learned'; readonly peer: string; readonly mtu: number | undefined }
  | IkeCommand
  | CaptureCommand
  /** The start is over: what has nothing else to do may warm up now (rehearsal/). */
  | { readonly type: 'rehearse' }
  /** Several commands as one: no packet is carried between the first and the last. */
  | { readonly type: 'together'; readonly commands: readonly Command[] }
  | { readonly type: 'stop' };

export type DataPlaneEvent =
  | IkeEvent
  /** An outbound SA needs its next block of sequence numbers soon. */
  | { readonly type: 'sequence-low'; readonly sa: SaReference }
  /** An SA met a soft limit of its lifetime, or ended at a hard one and is removed already. */
  | {
      readonly type: 'expire';
      readonly direction: 'inbound' | 'outbound';
      readonly sa: SaReference;
      readonly hard: boolean;
      readonly cause: ExpireCause;
    }
  /** A peer sends from another place, and its packets go there now. */
  | { readonly type: 'address-changed'; readonly peer: string; readonly endpoint: Endpoint }
  /** The path MTU to a peer was learned, or forgotten (undefined). */
  | {
      readonly type: 'path-mtu';
      readonly peer: string;
      readonly mtu: number | undefined;
      /** Bytes of the largest ESP packet that fits. */
      readonly espRoom: number;
    }
  /** Packets were dropped for an auditable reason; at a bounded rate. */
  | { readonly type: 'audit'; readonly record: AuditRecord };

/** Cells of the control words that main thread and worker share. */
export const Control = {
  /** Number of messages sent, each of one or more commands; written by the main thread. */
  sent: 0,
  /** Number of messages executed; written by the worker, who wakes the main thread. */
  executed: 1,
  /** Number of IKE datagrams that the main thread has taken; written by the main thread. */
  ikeTaken: 2,
  /** 1: the worker sleeps, or is about to; it sees a message only when it is woken. Main thread and worker clear it. */
  asleep: 3,
  /** 1: the worker has its input and is to begin; written by the main thread. */
  begun: 4,
} as const;

export type ControlWords = Int32Array<SharedArrayBuffer>;

export function allocateControlWords(): ControlWords {
  return new Int32Array(new SharedArrayBuffer(5 * Int32Array.BYTES_PER_ELEMENT));
}
