// The ESP transforms this gateway knows, with the lengths that shape a packet.
// RFC 4106 (AES-GCM), RFC 7634 (ChaCha20-Poly1305), RFC 4303 §2; IANA numbers from "IKEv2 Transform Type 1".

export interface EspTransform {
  /** strongSwan's notation, `aes256gcm16`. */
  readonly name: string;
  /** IANA "Encryption Algorithm Transform ID". */
  readonly encryptionId: number;
  readonly keyBytes: number;
  /** Salt or nonce prefix, taken from the end of the keying material (RFC 4106 §8.1). */
  readonly saltBytes: number;
  /** Explicit IV in each packet. */
  readonly ivBytes: number;
  readonly icvBytes: number;
  /** Payload, padding and the two trailer bytes together are a multiple of this power of two (RFC 4303 §2.4). */
  readonly alignmentBytes: number;
  /** The IV is a counter: a number met twice under one key breaks the key. */
  readonly counterMode: boolean;
}

export const ENCR_AES_GCM_16 = 20;
export const ENCR_CHACHA20_POLY1305 = 28;

const aesGcm16 = (keyBits: number): EspTransform => ({
  name: `aes${String(keyBits)}gcm16`,
  encryptionId: ENCR_AES_GCM_16,
  keyBytes: keyBits / 8,
  saltBytes: 4,
  ivBytes: 8,
  icvBytes: 16,
  alignmentBytes: 4,
  counterMode: true,
});

export const ESP_TRANSFORMS: readonly EspTransform[] = [
  aesGcm16(256),
  aesGcm16(192),
  aesGcm16(128),
  {
    name: 'chacha20poly1305',
    encryptionId: ENCR_CHACHA20_POLY1305,
    keyBytes: 32,
    saltBytes: 4,
    ivBytes: 8,
    icvBytes: 16,
    alignmentBytes: 4,
    counterMode: true,
  },
];

/** Finds a transform by its name; undefined where this gateway does not know it. */
export function findEspTransform(name: string): EspTransform | undefined {
  return ESP_TRANSFORMS.find((transform) => transform.name === name);
}

/** SPI and sequence number, RFC 4303 §2.1, §2.2. */
export const ESP_HEADER_BYTES = 8;
/** Pad length and next header, RFC 4303 §2.5, §2.6. */
export const ESP_TRAILER_BYTES = 2;

/** Length in bytes of the ESP packet that carries `innerBytes`. */
export function sealedLength(transform: EspTransform, innerBytes: number): number {
  const alignment = transform.alignmentBytes;
  const padded = (innerBytes + ESP_TRAILER_BYTES + alignment - 1) & -alignment;
  return ESP_HEADER_BYTES + transform.ivBytes + padded + transform.icvBytes;
}

/** The largest inner packet whose ESP packet is no longer than `sealedBytes`; negative where none is. */
export function largestInnerPacket(transform: EspTransform, sealedBytes: number): number {
  const room = sealedBytes - ESP_HEADER_BYTES - transform.ivBytes - transform.icvBytes;
  return room - (room % transform.alignmentBytes) - ESP_TRAILER_BYTES;
}
