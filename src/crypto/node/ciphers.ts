// AES-GCM, ChaCha20-Poly1305 and AES-CBC by node:crypto.

import { createCipheriv, createDecipheriv, type CipherGCMTypes } from 'node:crypto';
import type { CbcPrimitives } from '../cbc-ike-cipher.ts';
import type { AeadPrimitive } from '../combined-mode-ike-cipher.ts';
import type { CombinedModeParameters, Sha2 } from '../ike-algorithms.ts';
import { plainBytes } from './bytes.ts';
import { hmac } from './prf.ts';

const TAG_BYTES = 16;

export function nodeAead({ algorithm, cipherKeyBytes }: CombinedModeParameters): AeadPrimitive {
  // ChaCha20-Poly1305 has the same interface as GCM and no type of its own.
  const name = cipherName(algorithm, cipherKeyBytes) as CipherGCMTypes;
  const options = { authTagLength: TAG_BYTES };
  return {
    encrypt: (key, nonce, aad, plaintext) => {
      const cipher = createCipheriv(name, key, nonce, options);
      cipher.setAAD(aad);
      const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
      sealed.set(cipher.update(plaintext));
      cipher.final();
      sealed.set(cipher.getAuthTag(), plaintext.length);
      return sealed;
    },
    decrypt: (key, nonce, aad, sealed) => {
      const length = sealed.length - TAG_BYTES;
      const decipher = createDecipheriv(name, key, nonce, options);
      decipher.setAAD(aad);
      decipher.setAuthTag(sealed.subarray(length));
      const plaintext = plainBytes(decipher.update(sealed.subarray(0, length)));
      try {
        decipher.final();
      } catch {
        // All that is left to fail here is the tag.
        plaintext.fill(0);
        return undefined;
      }
      return plaintext;
    },
  };
}

export function nodeCbc(cipherKeyBytes: number, hash: Sha2): CbcPrimitives {
  const name = cipherName('aes-cbc', cipherKeyBytes);
  return {
    // Without padding, whole blocks come back at once and nothing is left for final().
    encrypt: (key, iv, plaintext) =>
      plainBytes(createCipheriv(name, key, iv).setAutoPadding(false).update(plaintext)),
    decrypt: (key, iv, ciphertext) =>
      plainBytes(createDecipheriv(name, key, iv).setAutoPadding(false).update(ciphertext)),
    mac: (key, ...data) => hmac(hash, key, ...data),
  };
}

/** OpenSSL's name. */
export function cipherName(
  algorithm: CombinedModeParameters['algorithm'] | 'aes-cbc',
  keyBytes: number,
): string {
  return algorithm === 'chacha20-poly1305' ? algorithm : `aes-${8 * keyBytes}-${algorithm.slice(4)}`;
}
