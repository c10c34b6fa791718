// The AEAD of one SA. The libraries expand the key and return a new array at each call, so this engine allocates
// per packet; the native engine does not.

import { splitKeyMaterial, type EspTransform } from '../../crypto/esp-transform.ts';
import { aeadFunctions, type AeadFunctions } from './aead-functions.ts';

export class Aead {
  readonly transform: EspTransform;
  readonly #functions: AeadFunctions;
  readonly #key: Uint8Array;
  /** Salt | IV of the packet in work (RFC 4106 §4, RFC 4309 §4, RFC 7634 §2). */
  readonly #nonce: Uint8Array;

  /** @param keyMaterial cipher key, then salt; copied */
  constructor(transform: EspTransform, keyMaterial: Uint8Array) {
    const { cipherKey, salt } = splitKeyMaterial(transform, keyMaterial);
    this.transform = transform;
    this.#functions = aeadFunctions(transform);
    this.#key = Uint8Array.from(cipherKey);
    this.#nonce = new Uint8Array(transform.saltBytes + transform.ivBytes);
    this.#nonce.set(salt);
  }

  /** Encrypts `bytes[from … to)` in place and writes the ICV behind it. @param iv where the IV stands in `bytes` */
  encrypt(bytes: Uint8Array, iv: number, aad: Uint8Array, from: number, to: number): void {
    this.#takeIv(bytes, iv);
    bytes.set(this.#functions.encrypt(this.#key, this.#nonce, aad, bytes.subarray(from, to)), from);
  }

  /**
   * Decrypts `bytes[from … to)` in place; the ICV stands behind it.
   * @returns false where the ICV does not match (compared in constant time); the bytes are untouched then
   */
  decrypt(bytes: Uint8Array, iv: number, aad: Uint8Array, from: number, to: number): boolean {
    this.#takeIv(bytes, iv);
    const sealed = bytes.subarray(from, to + this.transform.icvBytes);
    const plaintext = this.#functions.decrypt(this.#key, this.#nonce, aad, sealed);
    if (plaintext === undefined) return false;
    bytes.set(plaintext, from);
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
