// The SK payload with AES-CBC and HMAC-SHA2: RFC 7296 §3.14, RFC 3602, RFC 4868. Encrypt, then authenticate.
//
//   body    IV (16) | ciphertext of inner payloads, padding, pad length | ICV
//   ICV     over all of the message in front of it: header, IV, ciphertext

import { equalBytes } from '@noble/ciphers/utils.js';
import type { CbcParameters } from './ike-algorithms.ts';
import type { IkeCipher, IkeCipherKeys } from './ike-crypto.ts';
import { padInner, paddedBytes, unpadInner } from './ike-padding.ts';

/** AES-CBC without padding, and HMAC, of a provider. */
export interface CbcPrimitives {
  encrypt(key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array): Uint8Array;
  decrypt(key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array;
  mac(key: Uint8Array, ...data: readonly Uint8Array[]): Uint8Array;
}

const BLOCK_BYTES = 16;

export function cbcIkeCipher(parameters: CbcParameters, primitives: CbcPrimitives): IkeCipher {
  const { cipherKeyBytes, integrityKeyBytes, icvBytes } = parameters;
  const checkKeys = ({ encryption, integrity }: IkeCipherKeys): void => {
    if (encryption.length !== cipherKeyBytes || integrity.length !== integrityKeyBytes) {
      throw new RangeError(`keys of aes-cbc have ${encryption.length} and ${integrity.length} bytes`);
    }
  };
  const icvOf = (keys: IkeCipherKeys, ...data: readonly Uint8Array[]): Uint8Array =>
    primitives.mac(keys.integrity, ...data).subarray(0, icvBytes);
  return {
    keyBytes: cipherKeyBytes,
    integrityKeyBytes,
    ivBytes: BLOCK_BYTES,
    icvBytes,
    bodyBytes: (innerBytes) => BLOCK_BYTES + paddedBytes(innerBytes, BLOCK_BYTES) + icvBytes,
    encrypt: (keys, iv, header, inner) => {
      checkKeys(keys);
      if (iv.length !== BLOCK_BYTES) throw new RangeError(`IV of aes-cbc has ${iv.length} bytes`);
      const plaintext = padInner(inner, BLOCK_BYTES);
      const ciphertext = primitives.encrypt(keys.encryption, iv, plaintext);
      plaintext.fill(0);
      const body = new Uint8Array(BLOCK_BYTES + ciphertext.length + icvBytes);
      body.set(iv);
      body.set(ciphertext, BLOCK_BYTES);
      body.set(icvOf(keys, header, iv, ciphertext), BLOCK_BYTES + ciphertext.length);
      return body;
    },
    decrypt: (keys, header, body) => {
      checkKeys(keys);
      const ciphertextBytes = body.length - BLOCK_BYTES - icvBytes;
      if (ciphertextBytes < BLOCK_BYTES || ciphertextBytes % BLOCK_BYTES !== 0) return undefined;
      // RFC 7296 §3.14: what is not authentic is never decrypted, so its padding tells nothing.
      const authenticated = body.subarray(0, BLOCK_BYTES + ciphertextBytes);
      const icv = body.subarray(authenticated.length);
      if (!equalBytes(icvOf(keys, header, authenticated), icv)) return undefined;
      const iv = body.subarray(0, BLOCK_BYTES);
      return unpadInner(primitives.decrypt(keys.encryption, iv, authenticated.subarray(BLOCK_BYTES)));
    },
  };
}
