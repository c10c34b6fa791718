// The AEADs of the portable engine as functions: AES-GCM (RFC 4106) and ChaCha20-Poly1305 (RFC 7634) by
// @noble/ciphers, AES-CCM (RFC 4309), which that has not, by node:crypto. Each ICV has the length of the transform.

import { createCipheriv, createDecipheriv, type CipherCCMTypes } from 'node:crypto';
import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { equalBytes } from '@noble/ciphers/utils.js';
import {
  ENCR_AES_CCM_12,
  ENCR_AES_CCM_16,
  ENCR_AES_CCM_8,
  ENCR_AES_GCM_12,
  ENCR_AES_GCM_16,
  ENCR_AES_GCM_8,
  ENCR_CHACHA20_POLY1305,
  type EspTransform,
} from '../../crypto/esp-transform.ts';

export interface AeadFunctions {
  /** @returns ciphertext, then ICV */
  readonly encrypt: (
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ) => Uint8Array;
  /** @param sealed ciphertext, then ICV @returns the plaintext; undefined where the ICV does not match */
  readonly decrypt: (
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ) => Uint8Array | undefined;
}

/** @throws RangeError where the transform is no AEAD that this engine knows */
export function aeadFunctions({ name, encryptionId, icvBytes }: EspTransform): AeadFunctions {
  switch (encryptionId) {
    case ENCR_AES_GCM_16:
      return nobleAead(gcm);
    case ENCR_CHACHA20_POLY1305:
      return nobleAead(chacha20poly1305);
    case ENCR_AES_GCM_8:
    case ENCR_AES_GCM_12:
      return truncatedGcm(icvBytes);
    case ENCR_AES_CCM_8:
    case ENCR_AES_CCM_12:
    case ENCR_AES_CCM_16:
      return aesCcm(icvBytes);
    default:
      throw new RangeError(`the portable engine does not know ${name}`);
  }
}

function nobleAead(cipher: typeof gcm | typeof chacha20poly1305): AeadFunctions {
  return {
    encrypt: (key, nonce, aad, plaintext) => cipher(key, nonce, aad).encrypt(plaintext),
    decrypt: (key, nonce, aad, sealed) => {
      try {
        return cipher(key, nonce, aad).decrypt(sealed);
      } catch (error) {
        // noble has no other sign of a wrong ICV; anything else is a defect and goes up.
        if (error instanceof Error && error.message.endsWith('invalid tag')) return undefined;
        throw error;
      }
    },
  };
}

/** noble verifies only whole ICVs, so this one is computed anew. What was not authentic is not given out. */
function truncatedGcm(icvBytes: number): AeadFunctions {
  const encrypt: AeadFunctions['encrypt'] = (key, nonce, aad, plaintext) =>
    gcm(key, nonce, aad)
      .encrypt(plaintext)
      .subarray(0, plaintext.length + icvBytes);
  return {
    encrypt,
    decrypt: (key, nonce, aad, sealed) => {
      const length = sealed.length - icvBytes;
      // A counter mode encrypts and decrypts alike.
      const plaintext = encrypt(key, nonce, aad, sealed.subarray(0, length)).subarray(0, length);
      const expected = encrypt(key, nonce, aad, plaintext).subarray(length);
      return equalBytes(expected, sealed.subarray(length)) ? plaintext : undefined;
    },
  };
}

function aesCcm(icvBytes: number): AeadFunctions {
  const algorithm = (key: Uint8Array): CipherCCMTypes =>
    `aes-${String(8 * key.length)}-ccm` as CipherCCMTypes;
  const options = { authTagLength: icvBytes };
  return {
    encrypt: (key, nonce, aad, plaintext) => {
      const cipher = createCipheriv(algorithm(key), key, nonce, options);
      cipher.setAAD(aad, { plaintextLength: plaintext.length });
      const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
      return Buffer.concat([ciphertext, cipher.getAuthTag()]);
    },
    decrypt: (key, nonce, aad, sealed) => {
      const length = sealed.length - icvBytes;
      const decipher = createDecipheriv(algorithm(key), key, nonce, options);
      decipher.setAuthTag(sealed.subarray(length));
      decipher.setAAD(aad, { plaintextLength: length });
      const plaintext = decipher.update(sealed.subarray(0, length));
      try {
        decipher.final();
      } catch {
        // Nothing is left to do here but to say so where the ICV was wrong.
        return undefined;
      }
      return plaintext;
    },
  };
}
