// New keys for authorities and gateways, and how a key of a kind signs certificates: RFC 8017, FIPS 186-5, RFC 8410.

import { type ED25519KeyPairOptions, generateKeyPairSync } from 'node:crypto';

import { SignatureHash, type SignatureScheme } from '../crypto/ike-crypto.ts';
import { readPrivateKey } from '../crypto/signature-key.ts';

export const SIGNING_KEY_TYPES = ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519', 'rsa'] as const;
export type SigningKeyType = (typeof SIGNING_KEY_TYPES)[number];

/** RFC 8247 §4.1 asks for 2048; NIST SP 800-57 for this beyond 2030. */
const RSA_BITS = 3072;
const CURVES = { 'ecdsa-p256': 'P-256', 'ecdsa-p384': 'P-384', 'ecdsa-p521': 'P-521' } as const;

const ENCODINGS: ED25519KeyPairOptions<'der', 'der'> = {
  publicKeyEncoding: { format: 'der', type: 'spki' },
  privateKeyEncoding: { format: 'der', type: 'pkcs8' },
};

export interface SigningKeys {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** PKCS#8, DER; the caller zeroes it. */
  readonly privateKey: Uint8Array;
}

/** Encoded where they are generated: an export afterwards can hang (see crypto/node/montgomery-key-exchange.ts). */
export function generateSigningKeys(type: SigningKeyType): SigningKeys {
  if (type === 'rsa') return generateKeyPairSync('rsa', { modulusLength: RSA_BITS, ...ENCODINGS });
  if (type === 'ed25519') return generateKeyPairSync('ed25519', ENCODINGS);
  return generateKeyPairSync('ec', { namedCurve: CURVES[type], ...ENCODINGS });
}

/** @param privateKey PKCS#8, DER @throws KeyFormatError */
export function issuingScheme(privateKey: Uint8Array): SignatureScheme {
  const key = readPrivateKey(privateKey);
  if (key.kind === 'ed25519') return { algorithm: 'ed25519' };
  if (key.kind === 'rsa')
    return key.pssOnly
      ? { algorithm: 'rsa-pss', hash: SignatureHash.SHA2_256, saltBytes: 32 }
      : { algorithm: 'rsa-pkcs1', hash: SignatureHash.SHA2_256 };
  const hashes = {
    'P-256': SignatureHash.SHA2_256,
    'P-384': SignatureHash.SHA2_384,
    'P-521': SignatureHash.SHA2_512,
  } as const;
  return { algorithm: 'ecdsa', hash: hashes[key.curve], form: 'der' };
}
