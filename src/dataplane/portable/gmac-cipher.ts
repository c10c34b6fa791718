// AES-GMAC (RFC 4543): nothing is encrypted, all of the packet is authenticated.

import { gcm } from '@noble/ciphers/aes.js';
import { equalBytes } from '@noble/ciphers/utils.js';
import { ESP_HEADER_BYTES, splitKeyMaterial, type EspTransform } from '../../crypto/esp-transform.ts';
import type { SaKey } from '../engine.ts';
import { AuthenticatedHeader, sequenceHighOf, writeSequence, type EspCipher } from './esp-cipher.ts';

const NOTHING = new Uint8Array(0);

export class GmacCipher implements EspCipher {
  readonly transform: EspTransform;
  readonly #header: AuthenticatedHeader;
  readonly #key: Uint8Array;
  readonly #salt: Uint8Array;

  constructor({ transform, keyMaterial, esn }: SaKey) {
    const { cipherKey, salt } = splitKeyMaterial(transform, keyMaterial);
    this.transform = transform;
    this.#header = new AuthenticatedHeader(esn);
    this.#key = Uint8Array.from(cipherKey);
    this.#salt = Uint8Array.from(salt);
  }

  seal(bytes: Uint8Array, packet: number, end: number, sequence: number): void {
    writeSequence(bytes, packet + ESP_HEADER_BYTES, sequence);
    const icv = end - this.transform.icvBytes;
    bytes.set(this.#icv(bytes, packet, icv, sequenceHighOf(sequence)), icv);
  }

  open(bytes: Uint8Array, packet: number, end: number, sequenceHigh: number): boolean {
    const icv = end - this.transform.icvBytes;
    return equalBytes(this.#icv(bytes, packet, icv, sequenceHigh), bytes.subarray(icv, end));
  }

  zero(): void {
    this.#key.fill(0);
    this.#salt.fill(0);
  }

  /** RFC 4543 §3.3: SPI, the sequence number with all of its bits, the IV, and what would be the ciphertext. */
  #icv(bytes: Uint8Array, packet: number, to: number, sequenceHigh: number): Uint8Array {
    const iv = packet + ESP_HEADER_BYTES;
    const nonce = Buffer.concat([this.#salt, bytes.subarray(iv, iv + this.transform.ivBytes)]);
    const authenticated = Buffer.concat([
      this.#header.of(bytes, packet, sequenceHigh),
      bytes.subarray(iv, to),
    ]);
    return gcm(this.#key, nonce, authenticated).encrypt(NOTHING);
  }
}
