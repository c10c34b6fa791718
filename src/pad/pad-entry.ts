// An entry of the peer authorization database (RFC 4301 §4.4.3): who a peer is, how it proves that, and how this side
// proves itself to it.

import type { Trust } from '../pki/certification-path.ts';
import type { Identity, IdentityPattern } from './identity.ts';

/** RFC 7296 §2.15: both sides prove that they know the secret. */
export interface SharedKey {
  readonly method: 'psk';
  readonly secret: Uint8Array;
}

/** This side signs (RFC 7427, RFC 8420; for peers without them RFC 4754). */
export interface OwnSignature {
  readonly method: 'signature';
  /** PKCS#8, DER. */
  readonly privateKey: Uint8Array;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** DER; this side's certificate first. Empty: the peer knows the public key. */
  readonly chain: readonly Uint8Array[];
  readonly rsaPadding: 'pss' | 'pkcs1';
}

/** The peer signs with a key that a certificate is for. */
export interface TrustedCertificates extends Trust {
  readonly method: 'certificate';
}

/** The peer signs with this very key (RFC 7670). */
export interface TrustedPublicKey {
  readonly method: 'public-key';
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

export type OwnAuthentication = SharedKey | OwnSignature;
export type PeerAuthentication = SharedKey | TrustedCertificates | TrustedPublicKey;

export interface PadEntry {
  /** Name of the peer. */
  readonly peer: string;
  readonly local: { readonly identity: Identity; readonly authentication: OwnAuthentication };
  readonly remote: {
    readonly identity: IdentityPattern;
    /** The one identity that the pattern stands for, where it is one. */
    readonly exact: Identity | undefined;
    readonly authentication: PeerAuthentication;
  };
}
