// Signatures in the AUTH payload: RFC 7296 §3.8 (method 1), RFC 4754 (9, 10, 11), RFC 7427 (14), RFC 8420 (Ed25519).
// What is signed comes from ike-key-material.ts. SHA-1 is never used to sign, and verified only where a peer may have
// it by name (RFC 8247 §4.1.2).

import { decodeAlgorithmIdentifier, encodeAlgorithmIdentifier } from './algorithm-identifier.ts';
import type { Curve } from './ike-algorithms.ts';
import {
  type CryptoProvider,
  type DigestHash,
  KeyFormatError,
  SignatureHash,
  type SignatureScheme,
} from './ike-crypto.ts';
import { readPublicKey, type SignaturePrivateKey, type SignaturePublicKey } from './signature-key.ts';

/** IANA "IKEv2 Authentication Method", those that are signatures. */
export const SignatureMethod = {
  RSA: 1,
  ECDSA_P256: 9,
  ECDSA_P384: 10,
  ECDSA_P521: 11,
  DIGITAL_SIGNATURE: 14,
} as const;
export type SignatureMethod = (typeof SignatureMethod)[keyof typeof SignatureMethod];

export interface AuthScheme {
  readonly method: SignatureMethod;
  readonly scheme: SignatureScheme;
}

/** How the signature of an AUTH payload was judged; everything but `authentic` fails the authentication. */
export type AuthVerdict =
  | 'authentic'
  | 'wrong-signature'
  /** The method, or the algorithm identifier, is malformed or not known here. */
  | 'unknown-algorithm'
  /** SHA-1. */
  | 'weak-hash'
  /** The public key is malformed, or of another kind or curve than the signature says. */
  | 'wrong-key';

export interface AuthRules {
  /** Method 1 hashes with SHA-1 where the peer does not know RFC 7427: accepted from old peers only where asked for. */
  readonly allowRsaSha1?: boolean;
}

interface OldEcdsaMethod {
  readonly method: SignatureMethod;
  readonly curve: Curve;
  readonly hash: DigestHash;
}

/** RFC 4754 §3: each method has one curve and one hash. */
const RFC4754: readonly OldEcdsaMethod[] = [
  { method: SignatureMethod.ECDSA_P256, curve: 'P-256', hash: SignatureHash.SHA2_256 },
  { method: SignatureMethod.ECDSA_P384, curve: 'P-384', hash: SignatureHash.SHA2_384 },
  { method: SignatureMethod.ECDSA_P521, curve: 'P-521', hash: SignatureHash.SHA2_512 },
];

/**
 * How to sign for a peer.
 * @param peerHashes what its SIGNATURE_HASH_ALGORITHMS notify names; undefined where it sent none, so knows no RFC 7427
 * @returns undefined where there is no way that the peer understands and that is strong enough
 */
export function chooseAuthScheme(
  key: SignaturePublicKey | SignaturePrivateKey,
  peerHashes: readonly number[] | undefined,
  rsaPadding: 'pss' | 'pkcs1' = 'pss',
): AuthScheme | undefined {
  if (peerHashes === undefined) return key.kind === 'ecdsa' ? oldEcdsaScheme(key.curve) : undefined;
  const method = SignatureMethod.DIGITAL_SIGNATURE;
  if (key.kind === 'ed25519') {
    // RFC 8420 §2: the "Identity" hash is announced like the others.
    if (!peerHashes.includes(SignatureHash.IDENTITY)) return undefined;
    return { method, scheme: { algorithm: 'ed25519' } };
  }
  const hash = preferredHashes(key).find((candidate) => peerHashes.includes(candidate));
  if (hash === undefined) return undefined;
  if (key.kind === 'ecdsa') return { method, scheme: { algorithm: 'ecdsa', hash, form: 'der' } };
  if (rsaPadding === 'pkcs1' && !key.pssOnly) return { method, scheme: { algorithm: 'rsa-pkcs1', hash } };
  // RFC 8017 §9.1: a salt as long as the hash.
  return { method, scheme: { algorithm: 'rsa-pss', hash, saltBytes: DIGEST_BYTES[hash] } };
}

/**
 * The authentication data of the AUTH payload.
 * @throws KeyFormatError; RangeError where the scheme would sign SHA-1
 */
export function signAuth(
  provider: CryptoProvider,
  { method, scheme }: AuthScheme,
  privateKey: Uint8Array,
  octets: Uint8Array,
): Uint8Array {
  if (isWeak(scheme)) throw new RangeError('SHA-1 signs nothing (RFC 8247 §4.1.2)');
  const signature = provider.sign(scheme, privateKey, octets);
  if (method !== SignatureMethod.DIGITAL_SIGNATURE) return signature;
  const identifier = encodeAlgorithmIdentifier(scheme);
  // RFC 7427 §3: length of the identifier, identifier, signature.
  return Uint8Array.of(identifier.length, ...identifier, ...signature);
}

/** @param publicKey SubjectPublicKeyInfo of the peer @param data authentication data of its AUTH payload */
export function verifyAuth(
  provider: CryptoProvider,
  method: number,
  publicKey: Uint8Array,
  octets: Uint8Array,
  data: Uint8Array,
  rules: AuthRules = {},
): AuthVerdict {
  const claim = readClaim(method, data);
  if (claim === undefined) return 'unknown-algorithm';
  const schemes = claim.schemes.filter(({ algorithm }) => provider.hasSignature(algorithm));
  if (schemes.length === 0) return 'unknown-algorithm';
  try {
    const key = readPublicKey(publicKey);
    if (claim.curve !== undefined && !(key.kind === 'ecdsa' && key.curve === claim.curve)) return 'wrong-key';
    const scheme = schemes.find((one) => provider.verify(one, publicKey, octets, claim.signature));
    if (scheme === undefined) return 'wrong-signature';
    const mayBeSha1 = method === SignatureMethod.RSA && rules.allowRsaSha1 === true;
    return isWeak(scheme) && !mayBeSha1 ? 'weak-hash' : 'authentic';
  } catch (error) {
    if (error instanceof KeyFormatError) return 'wrong-key';
    throw error;
  }
}

interface Claim {
  /** More than one where the method does not say with which hash: then the signature does. */
  readonly schemes: readonly SignatureScheme[];
  /** The only curve that the method allows. */
  readonly curve?: Curve;
  readonly signature: Uint8Array;
}

/** RFC 7296 §3.8: the hash of method 1 is found in the signature; SHA-1 last. */
const METHOD_1 = [
  SignatureHash.SHA2_256,
  SignatureHash.SHA2_384,
  SignatureHash.SHA2_512,
  SignatureHash.SHA1,
].map((hash): SignatureScheme => ({ algorithm: 'rsa-pkcs1', hash }));

function readClaim(method: number, data: Uint8Array): Claim | undefined {
  if (method === SignatureMethod.RSA) return { schemes: METHOD_1, signature: data };
  if (method === SignatureMethod.DIGITAL_SIGNATURE) {
    const end = 1 + (data[0] ?? 0);
    const scheme = end <= data.length ? decodeAlgorithmIdentifier(data.subarray(1, end)) : undefined;
    return scheme === undefined ? undefined : { schemes: [scheme], signature: data.subarray(end) };
  }
  const old = RFC4754.find((candidate) => candidate.method === method);
  if (old === undefined) return undefined;
  return { schemes: [oldEcdsa(old.hash)], curve: old.curve, signature: data };
}

function oldEcdsa(hash: DigestHash): SignatureScheme {
  return { algorithm: 'ecdsa', hash, form: 'raw' };
}

function oldEcdsaScheme(curve: Curve): AuthScheme | undefined {
  const old = RFC4754.find((candidate) => candidate.curve === curve);
  return old === undefined ? undefined : { method: old.method, scheme: oldEcdsa(old.hash) };
}

const DIGEST_BYTES: Readonly<Record<DigestHash, number>> = { 1: 20, 2: 32, 3: 48, 4: 64 };

const CURVE_HASH: Readonly<Record<Curve, DigestHash>> = {
  'P-256': SignatureHash.SHA2_256,
  'P-384': SignatureHash.SHA2_384,
  'P-521': SignatureHash.SHA2_512,
};

/** The hash as strong as the key, then the others from the weakest that is enough for anything here. */
function preferredHashes(
  key: { readonly kind: 'rsa' } | { readonly kind: 'ecdsa'; readonly curve: Curve },
): DigestHash[] {
  const all: DigestHash[] = [SignatureHash.SHA2_256, SignatureHash.SHA2_384, SignatureHash.SHA2_512];
  return key.kind === 'ecdsa' ? [CURVE_HASH[key.curve], ...all] : all;
}

function isWeak(scheme: SignatureScheme): boolean {
  return scheme.algorithm !== 'ed25519' && scheme.hash === SignatureHash.SHA1;
}
