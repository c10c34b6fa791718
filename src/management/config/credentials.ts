// What both sides of an IKE SA prove themselves with, as the configuration names it: secrets and files, not read yet.
// RFC 7296 §2.15, RFC 4301 §4.4.3.2.

import type { Position } from './config-document.ts';
import type { LoadedSecret } from './loaded-secret.ts';

/** Where a secret is: never in the configuration file itself. */
export type SecretSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'environment'; readonly variable: string }
  /** A file below $CREDENTIALS_DIRECTORY, as systemd passes them. */
  | { readonly kind: 'credential'; readonly name: string }
  | { readonly kind: 'loaded'; readonly secret: LoadedSecret };

/** With the place where the configuration names it. */
export interface NamedSecret extends Position {
  readonly source: SecretSource;
}

/** A file that is no secret, with the place where the configuration names it. */
export interface NamedFile extends Position {
  readonly path: string;
  /** Where it was loaded and never was a file; `path` is only its name then. */
  readonly bytes?: Uint8Array | undefined;
}

/** What a file would hold, and is no secret. */
export interface LoadedFile {
  /** For messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface PskCredentials {
  readonly kind: 'psk';
  readonly psk: NamedSecret;
}

export interface SignatureCredentials {
  readonly kind: 'signature';
  readonly privateKey: NamedSecret;
  /** With the certificates of its issuers behind it, or the bare public key (RFC 7670). */
  readonly proof:
    | { readonly kind: 'certificate'; readonly file: NamedFile }
    | { readonly kind: 'public-key'; readonly file: NamedFile };
  readonly rsaPadding: 'pss' | 'pkcs1';
}

export interface AuthorityCredentials {
  readonly kind: 'authorities';
  readonly authorities: readonly NamedFile[];
  readonly revocationLists: readonly NamedFile[];
}

export interface PublicKeyCredentials {
  readonly kind: 'public-key';
  readonly file: NamedFile;
}

export type OwnCredentials = PskCredentials | SignatureCredentials;
export type PeerCredentials = PskCredentials | AuthorityCredentials | PublicKeyCredentials;
