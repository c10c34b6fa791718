// The AEAD of one SA, by @noble/ciphers: AES-GCM with a 16-byte ICV (RFC 4106) and ChaCha20-Poly1305 (RFC 7634).
// noble expands the key and returns a new array at each call, so this engine allocates per packet; the
// native engine does not.

import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ENCR_AES_GCM_16, ENCR_CHACHA20_POLY1305, type EspTransform } from '../../crypto/esp-transform.ts';

type CipherFunction = typeof gcm | typeof chacha20poly1305;

export class Aead {
  readonly transform: EspTransform;
  readonly #cipher: CipherFunction;
  readonly #key: Uint8Array;
  /** Salt | IV of the packet in work (RFC 4106 §4, RFC 7634 §2). */
  readonly #nonce: Uint8Array;

  /** @param keyMaterial cipher key, then salt; copied */
  constructor(transform: EspTransform, keyMaterial: Uint8Array) {
    if (keyMaterial.length !== transform.keyBytes + transform.saltBytes) {
      throw new RangeError(`key material of ${transform.name} has ${String(keyMaterial.length)} bytes`);
    }
    this.transform = transform;
    this.#cipher = cipherFunction(transform);
    this.#key = keyMaterial.slice(0, transform.keyBytes);
    this.#nonce = new Uint8Array(transform.saltBytes + transform.ivBytes);
    this.#nonce.set(keyMaterial.subarray(transform.keyBytes));
  }

  /** Encrypts `bytes[from … to)` in place and writes the ICV behind it. @param iv where the IV stands in `bytes` */
  encrypt(bytes: Uint8Array, iv: number, aad: Uint8Array, from: number, to: number): void {
    this.#takeIv(bytes, iv);
    bytes.set(this.#cipher(this.#key, this.#nonce, aad).encrypt(bytes.subarray(from, to)), from);
  }

  /**
   * Decrypts `bytes[from … to)` in place; the ICV stands behind it.
   * @returns false where the ICV does not match (compared in constant time); the bytes are untouched then
   */
  decrypt(bytes: Uint8Array, iv: number, aad: Uint8Array, from: number, to: number): boolean {
    this.#takeIv(bytes, iv);
    const sealed = bytes.subarray(from, to + this.transform.icvBytes);
    try {
      bytes.set(this.#cipher(this.#key, this.#nonce, aad).decrypt(sealed), from);
    } catch (error) {
      // noble has no other sign of a wrong ICV; anything else is a defect and goes up.
      if (error instanceof Error && error.message.endsWith('invalid tag')) return false;
      throw error;
    }
    return true;
  }

  zero(): void {
    this.#key.fill(0);
    this.#nonce.fill(0);
  }

  #takeIv(bytes: Uint8Array, iv: number): void {
    const { saltBytes, ivBytes } = this.transform;
    for (let i = 0; i < ivBytes; i++) this.#nonce[saltBytes + i] = bytes[iv + i]!;
  }
}

function cipherFunction(transform: EspTransform): CipherFunction {
  switch (transform.encryptionId) {
    case ENCR_AES_GCM_16:
      return gcm;
    case ENCR_CHACHA20_POLY1305:
      return chacha20poly1305;
    default:
      throw new RangeError(`the portable engine does not know ${transform.name}`);
  }
}
