// An entry of the peer authorization database (RFC 4301 §4.4.3): who a peer is, how it proves that, and how this side
// proves itself to it.

import type { Identity, IdentityPattern } from './identity.ts';

/** RFC 7296 §2.15: both sides prove that they know the secret. */
export interface SharedKey {
  readonly method: 'psk';
  readonly secret: Uint8Array;
}

export type Authentication = SharedKey;

export interface PadEntry {
  /** Name of the peer. */
  readonly peer: string;
  readonly local: { readonly identity: Identity; readonly authentication: Authentication };
  readonly remote: {
    readonly identity: IdentityPattern;
    /** The one identity that the pattern stands for, where it is one. */
    readonly exact: Identity | undefined;
    readonly authentication: Authentication;
  };
}
