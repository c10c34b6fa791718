// AES-CBC (RFC 3602) or no encryption (RFC 2410), then HMAC-SHA-2 over all of it (RFC 4868, RFC 4303 §3.3.2.1).
// A packet is verified before a byte of it is decrypted, so padding tells an attacker nothing.

import { cbc, ecb } from '@noble/ciphers/aes.js';
import { equalBytes } from '@noble/ciphers/utils.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import {
  AUTH_HMAC_SHA2_256_128,
  AUTH_HMAC_SHA2_384_192,
  AUTH_HMAC_SHA2_512_256,
  ENCR_AES_CBC,
  ESP_HEADER_BYTES,
  splitKeyMaterial,
  type EspTransform,
} from '../../crypto/esp-transform.ts';
import { writeInt32 } from '../../wire/bytes.ts';
import type { SaKey } from '../engine.ts';
import { sequenceHighOf, writeSequence, type EspCipher } from './esp-cipher.ts';

const BLOCK_BYTES = 16;
const WITHOUT_PADDING = { disablePadding: true };

export class EncryptThenMac implements EspCipher {
  readonly transform: EspTransform;
  readonly #key: Uint8Array;
  /** Empty where only packets of others are opened. */
  readonly #ivKey: Uint8Array;
  /** Has taken in the key; each packet goes on with a copy. */
  readonly #keyedHmac: ReturnType<typeof hmac.create>;
  /** RFC 4303 §2.2.1: with ESN the high half is authenticated behind the payload, and not sent. */
  readonly #high: Uint8Array;
  readonly #sequence = new Uint8Array(BLOCK_BYTES);

  /** @param ivKey 32 random bytes that IVs are made from; copied */
  constructor({ transform, keyMaterial, esn }: SaKey, ivKey: Uint8Array) {
    const { cipherKey, integrityKey } = splitKeyMaterial(transform, keyMaterial);
    this.transform = transform;
    this.#key = Uint8Array.from(cipherKey);
    this.#ivKey = Uint8Array.from(ivKey);
    this.#keyedHmac = hmac.create(hashOf(transform), integrityKey);
    this.#high = new Uint8Array(esn ? 4 : 0);
  }

  seal(bytes: Uint8Array, packet: number, end: number, sequence: number): void {
    const icv = end - this.transform.icvBytes;
    if (this.transform.encryptionId === ENCR_AES_CBC) this.#encrypt(bytes, packet, icv, sequence);
    bytes.set(this.#icv(bytes, packet, icv, sequenceHighOf(sequence)), icv);
  }

  open(bytes: Uint8Array, packet: number, end: number, sequenceHigh: number): boolean {
    const icv = end - this.transform.icvBytes;
    if (!equalBytes(this.#icv(bytes, packet, icv, sequenceHigh), bytes.subarray(icv, end))) return false;
    return this.transform.encryptionId !== ENCR_AES_CBC || this.#decrypt(bytes, packet, icv);
  }

  zero(): void {
    this.#key.fill(0);
    this.#ivKey.fill(0);
    this.#keyedHmac.destroy();
  }

  /**
   * RFC 3602 §3 wants IVs that are random and cannot be predicted. A block cipher under a random key gives such, and,
   * its input being a number that never repeats, no IV twice (NIST SP 800-38A, Appendix C).
   */
  #encrypt(bytes: Uint8Array, packet: number, to: number, sequence: number): void {
    writeSequence(this.#sequence, 8, sequence);
    const iv = ecb(this.#ivKey, WITHOUT_PADDING).encrypt(this.#sequence);
    bytes.set(iv, packet + ESP_HEADER_BYTES);
    const from = packet + ESP_HEADER_BYTES + BLOCK_BYTES;
    bytes.set(cbc(this.#key, iv, WITHOUT_PADDING).encrypt(bytes.subarray(from, to)), from);
  }

  /** @returns false where an authentic packet holds no whole blocks */
  #decrypt(bytes: Uint8Array, packet: number, to: number): boolean {
    const from = packet + ESP_HEADER_BYTES + BLOCK_BYTES;
    if ((to - from) % BLOCK_BYTES !== 0) return false;
    const iv = bytes.subarray(packet + ESP_HEADER_BYTES, from);
    bytes.set(cbc(this.#key, iv, WITHOUT_PADDING).decrypt(bytes.subarray(from, to)), from);
    return true;
  }

  #icv(bytes: Uint8Array, packet: number, to: number, sequenceHigh: number): Uint8Array {
    if (this.#high.length > 0) writeInt32(this.#high, 0, sequenceHigh);
    const copy = this.#keyedHmac.clone();
    const digest = copy.update(bytes.subarray(packet, to)).update(this.#high).digest();
    // RFC 4868 §2.1.2: truncated to half of its bits.
    return digest.subarray(0, this.transform.icvBytes);
  }
}

function hashOf({ integrityId, name }: EspTransform): typeof sha256 | typeof sha384 | typeof sha512 {
  switch (integrityId) {
    case AUTH_HMAC_SHA2_256_128:
      return sha256;
    case AUTH_HMAC_SHA2_384_192:
      return sha384;
    case AUTH_HMAC_SHA2_512_256:
      return sha512;
    default:
      throw new RangeError(`the portable engine does not know the integrity of ${name}`);
  }
}
