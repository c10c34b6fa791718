// ESP with a combined mode: AES-GCM (RFC 4106), AES-CCM (RFC 4309), ChaCha20-Poly1305 (RFC 7634).

import { ESP_HEADER_BYTES, type EspTransform } from '../../crypto/esp-transform.ts';
import type { SaKey } from '../engine.ts';
import { Aead } from './aead.ts';
import { AuthenticatedHeader, sequenceHighOf, writeSequence, type EspCipher } from './esp-cipher.ts';

export class CombinedModeCipher implements EspCipher {
  readonly #aead: Aead;
  readonly #header: AuthenticatedHeader;

  constructor({ transform, keyMaterial, esn }: SaKey) {
    this.#aead = new Aead(transform, keyMaterial);
    this.#header = new AuthenticatedHeader(esn);
  }

  get transform(): EspTransform {
    return this.#aead.transform;
  }

  seal(bytes: Uint8Array, packet: number, end: number, sequence: number): void {
    const iv = packet + ESP_HEADER_BYTES;
    writeSequence(bytes, iv, sequence);
    const header = this.#header.of(bytes, packet, sequenceHighOf(sequence));
    this.#aead.encrypt(bytes, iv, header, iv + this.transform.ivBytes, end - this.transform.icvBytes);
  }

  open(bytes: Uint8Array, packet: number, end: number, sequenceHigh: number): boolean {
    const iv = packet + ESP_HEADER_BYTES;
    const header = this.#header.of(bytes, packet, sequenceHigh);
    return this.#aead.decrypt(bytes, iv, header, iv + this.transform.ivBytes, end - this.transform.icvBytes);
  }

  zero(): void {
    this.#aead.zero();
  }
}
