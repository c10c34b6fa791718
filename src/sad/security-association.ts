// The entries of the SAD (RFC 4301 §4.4.2.1) as plain data, as a worker is sent them, and the changes of the SAD that
// a worker is told of. What changes with packets lies in shared memory beside it (sa-state.ts).

import type { EspTransform } from '../crypto/esp-transform.ts';
import type { Selectors } from '../spd/policy.ts';
import type { TunnelOptions } from '../spd/tunnel-options.ts';
import type { ReplayBitmap } from './replay-window.ts';
import type { SaLimits } from './sa-limits.ts';
import type { SaState } from './sa-state.ts';

/** Names an SA between threads. A slot is used again, a number is not: where they do not belong together, the SA is gone. */
export interface SaReference {
  /** Where the engine keeps the cipher context; unique over both directions at any one time. */
  readonly slot: number;
  /** Unique as long as the process runs. */
  readonly id: number;
}

export type SharedKey = Uint8Array<SharedArrayBuffer>;

interface SecurityAssociation extends SaReference {
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
  /** Cipher key and salt; the SAD zeroes them when the SA is gone. */
  readonly keyMaterial: SharedKey;
  /** With the limits of the SA already in it. */
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
  /** IKE made it, and knows where the peer is; otherwise the endpoint is what the administrator expects. */
  readonly isOfIke: boolean;
  /** undefined: not known before the peer's first authenticated packet. */
  readonly endpoint: Endpoint | undefined;
  readonly tunnel: TunnelOptions;
  /** Of the other SA of the pair, where there is one. */
  readonly inboundSpi: number | undefined;
  /** First block of sequence numbers. */
  readonly block: SequenceBlock;
}

export interface InboundSecurityAssociation extends SecurityAssociation {
  readonly direction: 'inbound';
  /** IKE made it, and waits for its first packet. */
  readonly tellsFirstPacket: boolean;
  readonly replayWindowPackets: number;
  readonly replayBitmap: ReplayBitmap;
}

/** The numbers first … end - 1, reserved for one SA and given out only once. */
export interface SequenceBlock {
  readonly first: number;
  readonly end: number;
}

/** Reserves the block behind the one before. */
export type NextBlock = () => Promise<SequenceBlock>;

/** What may change while an SA is used; undefined stays as it is. */
export interface SaUpdate {
  readonly limits?: SaLimits | undefined;
  readonly selectors?: Selectors | undefined;
  /** Of an outbound SA. */
  readonly endpoint?: Endpoint | undefined;
  /** Of an outbound SA. */
  readonly tunnel?: TunnelOptions | undefined;
}

export type SaChange =
  /** From now on packets of the policy leave by this SA, whatever SA it had. */
  | { readonly type: 'install-outbound'; readonly sa: OutboundSecurityAssociation }
  | { readonly type: 'install-inbound'; readonly sa: InboundSecurityAssociation }
  | { readonly type: 'update-outbound'; readonly sa: SaReference; readonly update: SaUpdate }
  | { readonly type: 'update-inbound'; readonly sa: SaReference; readonly update: SaUpdate }
  /** Frees and zeroes the cipher context. Nothing happens where the SA has ended by itself. */
  | { readonly type: 'remove-outbound'; readonly sa: SaReference }
  | { readonly type: 'remove-inbound'; readonly sa: SaReference };

/** Whoever carries the packets of the SAD's SAs. */
export interface SaCarrier {
  /** Makes the changes in their order; resolves when all of them are in force. */
  apply(changes: readonly SaChange[]): Promise<void>;
}
