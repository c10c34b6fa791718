// The transform of one SA, from the ESP header to the ICV: what the portable engine's ciphers have in common.

import { ESP_HEADER_BYTES, type EspTransform } from '../../crypto/esp-transform.ts';
import { readInt32, writeInt32 } from '../../wire/bytes.ts';
import { ESP_SEQUENCE_NUMBER, ESP_SPI } from '../../wire/esp.ts';

const TWO_32 = 2 ** 32;
const ESN_AAD_BYTES = 12;

export interface EspCipher {
  readonly transform: EspTransform;
  /**
   * Writes IV and ICV of the packet `bytes[packet … end)` and encrypts its payload in place. Header, inner packet and
   * trailer are there.
   */
  seal(bytes: Uint8Array, packet: number, end: number, sequence: number): void;
  /**
   * Decrypts the packet `bytes[packet … end)` in place.
   * @returns false where the ICV does not match (compared in constant time)
   */
  open(bytes: Uint8Array, packet: number, end: number, sequenceHigh: number): boolean;
  zero(): void;
}

/** High 32 bits of a sequence number below 2^53. */
export function sequenceHighOf(sequence: number): number {
  return Math.floor(sequence / TWO_32);
}

/** The 64-bit number at `offset`. RFC 4106 §3.1: the IV must be unique; the number is, and never wraps within a key. */
export function writeSequence(bytes: Uint8Array, offset: number, sequence: number): void {
  writeInt32(bytes, offset, sequenceHighOf(sequence));
  writeInt32(bytes, offset + 4, sequence % TWO_32);
}

/** SPI and sequence number as they are authenticated, with ESN all 64 bits (RFC 4106 §5, RFC 7634 §2.1). */
export class AuthenticatedHeader {
  readonly #bytes: Uint8Array;

  constructor(esn: boolean) {
    this.#bytes = new Uint8Array(esn ? ESN_AAD_BYTES : ESP_HEADER_BYTES);
  }

  /**
   * @param packet where the ESP header stands
   * @returns borrowed until the next call
   */
  of(bytes: Uint8Array, packet: number, sequenceHigh: number): Uint8Array {
    const header = this.#bytes;
    writeInt32(header, 0, readInt32(bytes, packet + ESP_SPI));
    if (header.length === ESN_AAD_BYTES) writeInt32(header, 4, sequenceHigh);
    writeInt32(header, header.length - 4, readInt32(bytes, packet + ESP_SEQUENCE_NUMBER));
    return header;
  }
}
