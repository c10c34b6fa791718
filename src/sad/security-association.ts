// The entries of the SAD (RFC 4301 §4.4.2.1) as plain data: what the main thread keeps and a worker is sent.
// What changes with packets lies in shared memory beside it (sa-state.ts).

import type { EspTransform } from '../crypto/esp-transform.ts';
import type { Selectors } from '../spd/policy.ts';
import type { ReplayBitmap } from './replay-window.ts';
import type { SaState } from './sa-state.ts';

interface SecurityAssociation {
  /** Where the engine keeps the cipher context; unique over both directions. */
  readonly slot: number;
  /** Unsigned. */
  readonly spi: number;
  readonly transform: EspTransform;
  readonly mode: 'tunnel';
  readonly esn: boolean;
  /** Name of the policy it was made for. */
  readonly policy: string;
  /** Name of the peer at the other end. */
  readonly peer: string;
  /** What the SA may carry; may be narrower than its policy (RFC 4301 §4.4.2.1). */
  readonly selectors: Selectors;
  /** Cipher key and salt, in shared memory; zeroed by the worker as soon as the engine has taken them. */
  readonly keyMaterial: Uint8Array<SharedArrayBuffer>;
  readonly state: SaState;
}

/** Where ESP packets go. */
export interface Endpoint {
  /** Index of the socket to send from. */
  readonly socket: number;
  /** 4 or 16 bytes in network order. */
  readonly address: Uint8Array;
  readonly port: number;
}

export interface OutboundSecurityAssociation extends SecurityAssociation {
  readonly direction: 'outbound';
  readonly endpoint: Endpoint;
  /** First block of sequence numbers. */
  readonly block: SequenceBlock;
}

export interface InboundSecurityAssociation extends SecurityAssociation {
  readonly direction: 'inbound';
  readonly replayWindowPackets: number;
  readonly replayBitmap: ReplayBitmap;
}

/** The numbers first … end - 1, reserved for one SA and given out only once. */
export interface SequenceBlock {
  readonly first: number;
  readonly end: number;
}
