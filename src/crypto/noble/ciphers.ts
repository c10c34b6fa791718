// AES-GCM, ChaCha20-Poly1305 and AES-CBC by @noble/ciphers.

import { cbc, gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import type { CbcPrimitives } from '../cbc-ike-cipher.ts';
import type { AeadPrimitive } from '../combined-mode-ike-cipher.ts';
import type { CombinedModeParameters, Sha2 } from '../ike-algorithms.ts';
import { nobleHmac } from './prf.ts';

export function nobleAead({ algorithm }: CombinedModeParameters): AeadPrimitive {
  const aead = algorithm === 'aes-gcm' ? gcm : chacha20poly1305;
  return {
    encrypt: (key, nonce, aad, plaintext) => aead(key, nonce, aad).encrypt(plaintext),
    decrypt: (key, nonce, aad, sealed) => {
      try {
        return aead(key, nonce, aad).decrypt(sealed);
      } catch (error) {
        // noble has no other sign of a wrong tag; anything else is a defect and goes up.
        if (error instanceof Error && error.message.endsWith('invalid tag')) return undefined;
        throw error;
      }
    },
  };
}

export function nobleCbc(hash: Sha2): CbcPrimitives {
  const options = { disablePadding: true };
  return {
    encrypt: (key, iv, plaintext) => cbc(key, iv, options).encrypt(plaintext),
    decrypt: (key, iv, ciphertext) => cbc(key, iv, options).decrypt(ciphertext),
    mac: (key, ...data) => nobleHmac(hash, key, ...data),
  };
}
