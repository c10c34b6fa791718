// What crosses between the main thread and a worker: commands down, events up. All of it is plain data.

import type {
  InboundSecurityAssociation,
  OutboundSecurityAssociation,
  SequenceBlock,
} from '../sad/security-association.ts';
import type { Policy } from '../spd/policy.ts';

export type Command =
  /** Swaps in new policies between two batches. Generations rise. */
  | { readonly type: 'use-policies'; readonly generation: number; readonly policies: readonly Policy[] }
  | { readonly type: 'install-outbound'; readonly sa: OutboundSecurityAssociation }
  | { readonly type: 'install-inbound'; readonly sa: InboundSecurityAssociation }
  /** Gives the outbound SA of a policy its next block of sequence numbers. */
  | { readonly type: 'grant-sequence'; readonly policy: string; readonly block: SequenceBlock }
  | { readonly type: 'stop' };

export type DataPlaneEvent =
  /** The outbound SA of a policy needs its next block of sequence numbers soon. */
  { readonly type: 'sequence-low'; readonly policy: string };

/** Cells of the control words that main thread and worker share. */
export const Control = {
  /** Number of commands sent; written by the main thread. */
  sent: 0,
  /** Number of commands executed; written by the worker, who wakes the main thread. */
  executed: 1,
} as const;

export type ControlWords = Int32Array<SharedArrayBuffer>;

export function allocateControlWords(): ControlWords {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
}
