// The algorithms of IKE that both providers know, by their IANA numbers, with every length that they have in common.
// RFC 7296 §3.3.2; RFC 4868, RFC 3526, RFC 5903, RFC 8031, RFC 5282, RFC 7634.

import {
  AUTH_HMAC_SHA2_256_128,
  AUTH_HMAC_SHA2_384_192,
  AUTH_HMAC_SHA2_512_256,
  AUTH_NONE,
  ENCR_AES_CBC,
  ENCR_AES_GCM_16,
  ENCR_CHACHA20_POLY1305,
} from './esp-transform.ts';

export type Sha2 = 'sha256' | 'sha384' | 'sha512';

export interface PrfParameters {
  readonly id: number;
  readonly name: string;
  readonly hash: Sha2;
  readonly outputBytes: number;
}

/** RFC 4868 §2.4. */
export const PRFS: readonly PrfParameters[] = [
  { id: 5, name: 'prfsha256', hash: 'sha256', outputBytes: 32 },
  { id: 6, name: 'prfsha384', hash: 'sha384', outputBytes: 48 },
  { id: 7, name: 'prfsha512', hash: 'sha512', outputBytes: 64 },
];

interface Group {
  readonly group: number;
  readonly name: string;
  readonly publicBytes: number;
}

export interface ModpGroup extends Group {
  readonly kind: 'modp';
}

export interface EcpGroup extends Group {
  readonly kind: 'ecp';
  readonly curve: Curve;
}

export interface MontgomeryGroup extends Group {
  readonly kind: 'montgomery';
  readonly curve: 'X25519' | 'X448';
}

/** The prime curves of NIST, in key exchange and in ECDSA. */
export type Curve = 'P-256' | 'P-384' | 'P-521';

export const GROUPS: readonly (ModpGroup | EcpGroup | MontgomeryGroup)[] = [
  { kind: 'modp', group: 14, name: 'modp2048', publicBytes: 256 },
  { kind: 'modp', group: 15, name: 'modp3072', publicBytes: 384 },
  { kind: 'modp', group: 16, name: 'modp4096', publicBytes: 512 },
  { kind: 'ecp', group: 19, name: 'ecp256', publicBytes: 64, curve: 'P-256' },
  { kind: 'ecp', group: 20, name: 'ecp384', publicBytes: 96, curve: 'P-384' },
  { kind: 'ecp', group: 21, name: 'ecp521', publicBytes: 132, curve: 'P-521' },
  { kind: 'montgomery', group: 31, name: 'x25519', publicBytes: 32, curve: 'X25519' },
  { kind: 'montgomery', group: 32, name: 'x448', publicBytes: 56, curve: 'X448' },
];

/** RFC 5282 §3, RFC 7634 §3: 4 octets of salt behind the key, 8 of IV in the payload. */
export interface CombinedModeParameters {
  readonly kind: 'combined';
  readonly algorithm: 'aes-gcm' | 'chacha20-poly1305';
  /** Without the salt. */
  readonly cipherKeyBytes: number;
}

/** RFC 7296 §3.14, RFC 3602, RFC 4868. */
export interface CbcParameters {
  readonly kind: 'cbc';
  readonly cipherKeyBytes: number;
  readonly hash: Sha2;
  /** As long as the hash (RFC 4868 §2.1.1). */
  readonly integrityKeyBytes: number;
  /** Half of it (RFC 4868 §2.1.2). */
  readonly icvBytes: number;
}

const INTEGRITY: ReadonlyMap<
  number,
  Pick<CbcParameters, 'hash' | 'integrityKeyBytes' | 'icvBytes'>
> = new Map([
  [AUTH_HMAC_SHA2_256_128, { hash: 'sha256', integrityKeyBytes: 32, icvBytes: 16 }],
  [AUTH_HMAC_SHA2_384_192, { hash: 'sha384', integrityKeyBytes: 48, icvBytes: 24 }],
  [AUTH_HMAC_SHA2_512_256, { hash: 'sha512', integrityKeyBytes: 64, icvBytes: 32 }],
]);

/** The cipher of an IKE proposal; undefined where the three do not make one that is known here. */
export function ikeCipherParameters(
  encryptionId: number,
  keyBits: number | undefined,
  integrityId: number,
): CombinedModeParameters | CbcParameters | undefined {
  switch (encryptionId) {
    case ENCR_AES_GCM_16:
      if (integrityId !== AUTH_NONE || !isAesKeyLength(keyBits)) return undefined;
      return { kind: 'combined', algorithm: 'aes-gcm', cipherKeyBytes: keyBits / 8 };
    case ENCR_CHACHA20_POLY1305:
      // The key has one length, so there is no Key Length attribute (RFC 7634 §4).
      if (integrityId !== AUTH_NONE || keyBits !== undefined) return undefined;
      return { kind: 'combined', algorithm: 'chacha20-poly1305', cipherKeyBytes: 32 };
    case ENCR_AES_CBC: {
      const integrity = INTEGRITY.get(integrityId);
      if (integrity === undefined || !isAesKeyLength(keyBits)) return undefined;
      return { kind: 'cbc', cipherKeyBytes: keyBits / 8, ...integrity };
    }
    default:
      return undefined;
  }
}

function isAesKeyLength(keyBits: number | undefined): keyBits is 128 | 192 | 256 {
  return keyBits === 128 || keyBits === 192 || keyBits === 256;
}
