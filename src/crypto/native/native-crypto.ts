// What the addon gives to IKE (native/src/ike_crypto.h). Bytes are borrowed until the call returns.

import type { MontgomeryGroup, Sha2 } from '../ike-algorithms.ts';

export interface NativeCrypto {
  /** HMAC of the data, one piece behind the other; eight at most. undefined where OpenSSL fails. */
  computePrf(hash: Sha2, key: Uint8Array, ...data: readonly Uint8Array[]): Uint8Array | undefined;
  /** The public value of a private key; undefined where its length is wrong or OpenSSL has not the curve. */
  montgomeryPublic(curve: MontgomeryGroup['curve'], privateKey: Uint8Array): Uint8Array | undefined;
  /** The shared secret; undefined also where it would be zero (RFC 8031 §5). */
  montgomeryAgree(
    curve: MontgomeryGroup['curve'],
    privateKey: Uint8Array,
    peer: Uint8Array,
  ): Uint8Array | undefined;
}
