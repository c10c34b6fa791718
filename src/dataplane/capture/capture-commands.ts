// What the main thread says to a packet path about captures.

import type { RingMemory } from './capture-ring.ts';

/** What a capture takes. Left out: whatever it is. */
export interface CaptureFilter {
  readonly inner: boolean;
  readonly outer: boolean;
  /** Name of a policy: what it has decided on, and what its SAs carry. */
  readonly policy?: string | undefined;
  /** Name of a peer, as policies have it. */
  readonly peer?: string | undefined;
}

/** Where a socket of the devices is bound; all zeros: any address. */
export interface CapturedSocket {
  readonly address: Uint8Array;
  readonly port: number;
}

export interface StartCapture {
  readonly type: 'start-capture';
  readonly id: number;
  /** Of each worker: a ring has one writer. */
  readonly memories: readonly RingMemory[];
  readonly filter: CaptureFilter;
  /** Most bytes of a packet. */
  readonly snapBytes: number;
  /** By the index that the devices have of each. */
  readonly sockets: readonly CapturedSocket[];
}

export type CaptureCommand = StartCapture | { readonly type: 'stop-capture'; readonly id: number };
