// What the portable engine keeps of an SA: its cipher, and for an outbound SA the sequence guard.

import { ESP_HEADER_BYTES } from '../../crypto/esp-transform.ts';
import type { SaKey } from '../engine.ts';
import { ESP_SEQUENCE_NUMBER, ESP_SPI } from '../../wire/esp.ts';
import { readInt32, writeInt32 } from '../../wire/bytes.ts';
import { Aead } from './aead.ts';
import { SequenceGuard } from './sequence-guard.ts';

const ESN_AAD_BYTES = 12;

export class EspContext {
  readonly spi: number;
  readonly aead: Aead;
  /** Additional authenticated data of the packet in work. */
  readonly #aad: Uint8Array;

  constructor(key: SaKey) {
    this.spi = key.spi;
    this.aead = new Aead(key.transform, key.keyMaterial);
    this.#aad = new Uint8Array(key.esn ? ESN_AAD_BYTES : ESP_HEADER_BYTES);
  }

  /**
   * SPI and sequence number, 64 bits of it with ESN (RFC 4106 §5, RFC 7634 §2.1).
   * @param packet where the ESP header stands
   * @returns borrowed until the next call
   */
  additionalData(bytes: Uint8Array, packet: number, sequenceHigh: number): Uint8Array {
    const aad = this.#aad;
    writeInt32(aad, 0, readInt32(bytes, packet + ESP_SPI));
    if (aad.length === ESN_AAD_BYTES) writeInt32(aad, 4, sequenceHigh);
    writeInt32(aad, aad.length - 4, readInt32(bytes, packet + ESP_SEQUENCE_NUMBER));
    return aad;
  }

  zero(): void {
    this.aead.zero();
  }
}

export class OutboundContext extends EspContext {
  readonly guard: SequenceGuard;

  constructor(key: SaKey) {
    super(key);
    this.guard = new SequenceGuard(key.esn);
  }
}
