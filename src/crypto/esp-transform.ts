// The ESP transforms this gateway knows, with the lengths that shape a packet and its keys.
// RFC 4303 §2; IANA numbers from "IKEv2 Transform Type 1" (encryption) and "Type 3" (integrity).

export interface EspTransform {
  /** strongSwan's notation, `aes256gcm16`, `aes256-sha256`. */
  readonly name: string;
  /** IANA "Encryption Algorithm Transform ID". */
  readonly encryptionId: number;
  /** IANA "Integrity Algorithm Transform ID"; {@link AUTH_NONE} where the encryption authenticates too. */
  readonly integrityId: number;
  /** Cipher key alone. */
  readonly keyBytes: number;
  /** Salt or nonce prefix, behind the cipher key in the keying material (RFC 4106 §8.1). */
  readonly saltBytes: number;
  /** Behind the two others (RFC 7296 §2.17). */
  readonly integrityKeyBytes: number;
  /** Explicit IV in each packet. */
  readonly ivBytes: number;
  /** RFC 4303 §2.8. */
  readonly icvBytes: number;
  /** Payload, padding and the two trailer bytes together are a multiple of this power of two (RFC 4303 §2.4). */
  readonly alignmentBytes: number;
  /** The IV is a counter: a number met twice under one key breaks the key. */
  readonly counterMode: boolean;
}

const ENCR_NULL = 11;
export const ENCR_AES_CBC = 12;
export const ENCR_AES_CCM_8 = 14;
export const ENCR_AES_CCM_12 = 15;
export const ENCR_AES_CCM_16 = 16;
export const ENCR_AES_GCM_8 = 18;
export const ENCR_AES_GCM_12 = 19;
export const ENCR_AES_GCM_16 = 20;
export const ENCR_NULL_AUTH_AES_GMAC = 21;
export const ENCR_CHACHA20_POLY1305 = 28;

export const AUTH_NONE = 0;
export const AUTH_HMAC_SHA2_256_128 = 12;
export const AUTH_HMAC_SHA2_384_192 = 13;
export const AUTH_HMAC_SHA2_512_256 = 14;

const AES_KEY_BITS = [256, 192, 128];

/** What combined modes have in common: RFC 4106 §3, RFC 4309 §3, RFC 4543 §3, RFC 7634 §2. */
const COMBINED_MODE = {
  integrityId: AUTH_NONE,
  saltBytes: 4,
  integrityKeyBytes: 0,
  ivBytes: 8,
  icvBytes: 16,
  alignmentBytes: 4,
  counterMode: true,
};

interface Integrity {
  readonly name: string;
  readonly integrityId: number;
  /** As long as the hash (RFC 4868 §2.1.1). */
  readonly integrityKeyBytes: number;
}

const HMAC_SHA2: readonly Integrity[] = [
  { name: 'sha256', integrityId: AUTH_HMAC_SHA2_256_128, integrityKeyBytes: 32 },
  { name: 'sha384', integrityId: AUTH_HMAC_SHA2_384_192, integrityKeyBytes: 48 },
  { name: 'sha512', integrityId: AUTH_HMAC_SHA2_512_256, integrityKeyBytes: 64 },
];

/** AES-GCM with an ICV of 16, 12 or 8 octets (RFC 4106 §6). */
const aesGcm = (encryptionId: number, icvBytes: number): EspTransform[] =>
  AES_KEY_BITS.map((bits) => ({
    ...COMBINED_MODE,
    name: `aes${bits}gcm${icvBytes}`,
    encryptionId,
    keyBytes: bits / 8,
    icvBytes,
  }));

/** AES-CCM with an ICV of 16, 12 or 8 octets; its salt has three (RFC 4309 §4, §6). */
const aesCcm = (encryptionId: number, icvBytes: number): EspTransform[] =>
  AES_KEY_BITS.map((bits) => ({
    ...COMBINED_MODE,
    name: `aes${bits}ccm${icvBytes}`,
    encryptionId,
    keyBytes: bits / 8,
    saltBytes: 3,
    icvBytes,
  }));

/** Integrity alone (RFC 4543). */
const aesGmac = AES_KEY_BITS.map((bits) => ({
  ...COMBINED_MODE,
  name: `aes${bits}gmac`,
  encryptionId: ENCR_NULL_AUTH_AES_GMAC,
  keyBytes: bits / 8,
}));

/** Encryption, then HMAC with half of the hash as ICV (RFC 4868 §2.1.2). */
const withIntegrity = (
  integrity: Integrity,
  encryption: Pick<EspTransform, 'name' | 'encryptionId' | 'keyBytes' | 'ivBytes' | 'alignmentBytes'>,
): EspTransform => ({
  ...encryption,
  name: `${encryption.name}-${integrity.name}`,
  integrityId: integrity.integrityId,
  saltBytes: 0,
  integrityKeyBytes: integrity.integrityKeyBytes,
  icvBytes: integrity.integrityKeyBytes / 2,
  counterMode: false,
});

/** AES-CBC: IV and alignment are a block (RFC 3602 §3). */
const aesCbc = AES_KEY_BITS.flatMap((bits) =>
  HMAC_SHA2.map((integrity) =>
    withIntegrity(integrity, {
      name: `aes${bits}`,
      encryptionId: ENCR_AES_CBC,
      keyBytes: bits / 8,
      ivBytes: 16,
      alignmentBytes: 16,
    }),
  ),
);

/** No encryption (RFC 2410): a packet that everybody can read, to learn from. */
const encryptNothing = HMAC_SHA2.map((integrity) =>
  withIntegrity(integrity, {
    name: 'null',
    encryptionId: ENCR_NULL,
    keyBytes: 0,
    ivBytes: 0,
    alignmentBytes: 4,
  }),
);

export const ESP_TRANSFORMS: readonly EspTransform[] = [
  ...aesGcm(ENCR_AES_GCM_16, 16),
  { ...COMBINED_MODE, name: 'chacha20poly1305', encryptionId: ENCR_CHACHA20_POLY1305, keyBytes: 32 },
  ...aesGcm(ENCR_AES_GCM_12, 12),
  ...aesGcm(ENCR_AES_GCM_8, 8),
  ...aesCcm(ENCR_AES_CCM_16, 16),
  ...aesCcm(ENCR_AES_CCM_12, 12),
  ...aesCcm(ENCR_AES_CCM_8, 8),
  ...aesCbc,
  ...aesGmac,
  ...encryptNothing,
];

/** Finds a transform by its name; undefined where this gateway does not know it. */
export function findEspTransform(name: string): EspTransform | undefined {
  return ESP_TRANSFORMS.find((transform) => transform.name === name);
}

/** Length of cipher key, salt and integrity key, which stand one behind the other in the keying material. */
export function keyMaterialBytes(
  transform: Pick<EspTransform, 'keyBytes' | 'saltBytes' | 'integrityKeyBytes'>,
): number {
  return transform.keyBytes + transform.saltBytes + transform.integrityKeyBytes;
}

/** The parts of the keying material. */
export interface EspKeys {
  readonly cipherKey: Uint8Array;
  readonly salt: Uint8Array;
  readonly integrityKey: Uint8Array;
}

/**
 * Views of the parts of `keyMaterial`.
 * @throws RangeError where it has not the length of {@link keyMaterialBytes}
 */
export function splitKeyMaterial(transform: EspTransform, keyMaterial: Uint8Array): EspKeys {
  if (keyMaterial.length !== keyMaterialBytes(transform)) {
    throw new RangeError(`key material of ${transform.name} has ${String(keyMaterial.length)} bytes`);
  }
  const integrity = transform.keyBytes + transform.saltBytes;
  return {
    cipherKey: keyMaterial.subarray(0, transform.keyBytes),
    salt: keyMaterial.subarray(transform.keyBytes, integrity),
    integrityKey: keyMaterial.subarray(integrity),
  };
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
