// The SK payload with a combined-mode cipher: RFC 5282 §3 (AES-GCM), RFC 7634 §3 (ChaCha20-Poly1305).
//
//   body    IV (8) | ciphertext of inner payloads, padding, pad length | ICV (16)
//   nonce   salt (4, the end of SK_e) | IV
//   associated data   all of the message in front of the IV (RFC 5282 §5.1)

import type { CombinedModeParameters } from './ike-algorithms.ts';
import type { IkeCipher, IkeCipherKeys } from './ike-crypto.ts';
import { padInner, unpadInner } from './ike-padding.ts';

/** The AEAD of a provider. */
export interface AeadPrimitive {
  /** @returns ciphertext, then tag */
  encrypt(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** @param sealed ciphertext, then tag @returns undefined where the tag does not match */
  decrypt(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

const SALT_BYTES = 4;
const IV_BYTES = 8;
const ICV_BYTES = 16;
/** Nothing but the pad length (RFC 5282 §3: these modes need no alignment). */
const ALIGNMENT_BYTES = 1;

export function combinedModeIkeCipher(
  { cipherKeyBytes, algorithm }: CombinedModeParameters,
  aead: AeadPrimitive,
): IkeCipher {
  const keyBytes = cipherKeyBytes + SALT_BYTES;
  const nonceOf = ({ encryption }: IkeCipherKeys, iv: Uint8Array): Uint8Array => {
    if (encryption.length !== keyBytes) {
      throw new RangeError(`key of ${algorithm} has ${encryption.length} bytes, not ${keyBytes}`);
    }
    return Uint8Array.of(...encryption.subarray(cipherKeyBytes), ...iv);
  };
  return {
    keyBytes,
    integrityKeyBytes: 0,
    ivBytes: IV_BYTES,
    icvBytes: ICV_BYTES,
    bodyBytes: (innerBytes) => IV_BYTES + innerBytes + ALIGNMENT_BYTES + ICV_BYTES,
    encrypt: (keys, iv, header, inner) => {
      if (iv.length !== IV_BYTES) throw new RangeError(`IV of ${algorithm} has ${iv.length} bytes`);
      const nonce = nonceOf(keys, iv);
      const plaintext = padInner(inner, ALIGNMENT_BYTES);
      const sealed = aead.encrypt(keys.encryption.subarray(0, cipherKeyBytes), nonce, header, plaintext);
      plaintext.fill(0);
      const body = new Uint8Array(IV_BYTES + sealed.length);
      body.set(iv);
      body.set(sealed, IV_BYTES);
      return body;
    },
    decrypt: (keys, header, body) => {
      if (body.length < IV_BYTES + ALIGNMENT_BYTES + ICV_BYTES) return undefined;
      const nonce = nonceOf(keys, body.subarray(0, IV_BYTES));
      const key = keys.encryption.subarray(0, cipherKeyBytes);
      const plaintext = aead.decrypt(key, nonce, header, body.subarray(IV_BYTES));
      return plaintext === undefined ? undefined : unpadInner(plaintext);
    },
  };
}
