// An ESP implementation for tests that shares no code with the gateway: node:crypto and the drawing of RFC 4303 §2.

import { createCipheriv, createDecipheriv } from 'node:crypto';

export interface EspKey {
  /** Cipher key followed by the 4-byte salt. */
  readonly keyMaterial: Uint8Array;
  readonly spi: number;
  readonly esn?: boolean;
}

export interface EspFields {
  readonly sequence: number;
  readonly inner: Uint8Array;
  readonly nextHeader?: number;
  /** Default: the shortest correct one. */
  readonly padding?: Uint8Array;
  readonly padLength?: number;
}

type AeadName = 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';

function cipherName(keyMaterial: Uint8Array, chacha: boolean): AeadName {
  if (chacha) return 'chacha20-poly1305';
  return `aes-${String((keyMaterial.length - 4) * 8)}-gcm` as AeadName;
}

function associatedData({ spi, esn = false }: EspKey, sequence: number): Buffer {
  const low = sequence % 2 ** 32;
  const high = Math.floor(sequence / 2 ** 32);
  const words = esn ? [spi, high, low] : [spi, low];
  const data = Buffer.alloc(4 * words.length);
  words.forEach((word, index) => data.writeUInt32BE(word, 4 * index));
  return data;
}

/** Makes an ESP packet; every field can be wrong on purpose. */
export function encapsulate(key: EspKey, fields: EspFields, chacha = false): Uint8Array {
  const { inner, sequence } = fields;
  const shortest = (4 - ((inner.length + 2) % 4)) % 4;
  const padding = fields.padding ?? Uint8Array.from({ length: shortest }, (_, i) => i + 1);
  const nextHeader = fields.nextHeader ?? ((inner[0] ?? 0) >> 4 === 6 ? 41 : 4);
  const plaintext = Buffer.concat([
    inner,
    padding,
    Buffer.of(fields.padLength ?? padding.length, nextHeader),
  ]);
  const head = Buffer.alloc(16);
  head.writeUInt32BE(key.spi, 0);
  head.writeUInt32BE(sequence % 2 ** 32, 4);
  head.writeBigUInt64BE(BigInt(sequence), 8);
  const secret = key.keyMaterial.subarray(0, -4);
  const nonce = Buffer.concat([key.keyMaterial.subarray(-4), head.subarray(8)]);
  const cipher = createCipheriv(cipherName(key.keyMaterial, chacha) as 'aes-256-gcm', secret, nonce, {
    authTagLength: 16,
  });
  cipher.setAAD(associatedData(key, sequence), { plaintextLength: plaintext.length });
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([head, ciphertext, cipher.getAuthTag()]);
}

/** Opens an ESP packet; throws where it is not authentic. @returns what was inside, padding taken off */
export function decapsulate(
  key: EspKey,
  packet: Uint8Array,
  chacha = false,
  sequenceHigh = 0,
): { sequence: number; inner: Uint8Array; nextHeader: number; padding: Uint8Array } {
  const bytes = Buffer.from(packet);
  const sequence = sequenceHigh * 2 ** 32 + bytes.readUInt32BE(4);
  const secret = key.keyMaterial.subarray(0, -4);
  const nonce = Buffer.concat([key.keyMaterial.subarray(-4), bytes.subarray(8, 16)]);
  const cipher = createDecipheriv(cipherName(key.keyMaterial, chacha) as 'aes-256-gcm', secret, nonce, {
    authTagLength: 16,
  });
  cipher.setAuthTag(bytes.subarray(-16));
  cipher.setAAD(associatedData(key, sequence), { plaintextLength: bytes.length - 32 });
  const plaintext = Buffer.concat([cipher.update(bytes.subarray(16, -16)), cipher.final()]);
  const padLength = plaintext.at(-2) ?? 0;
  const end = plaintext.length - 2 - padLength;
  return {
    sequence,
    inner: plaintext.subarray(0, end),
    nextHeader: plaintext.at(-1) ?? 0,
    padding: plaintext.subarray(end, -2),
  };
}
