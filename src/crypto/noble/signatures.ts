// ECDSA (FIPS 186-5) and Ed25519 (RFC 8032) by @noble/curves. There is no RSA here.

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { type DigestHash, KeyFormatError, SignatureHash, type SignatureScheme } from '../ike-crypto.ts';
import { checkKeyKind, readPrivateKey, readPublicKey } from '../signature-key.ts';
import { NOBLE_CURVES } from './key-exchange.ts';
import { NOBLE_SHA2 } from './prf.ts';

const DIGESTS: Readonly<Record<DigestHash, (data: Uint8Array) => Uint8Array>> = {
  [SignatureHash.SHA1]: sha1,
  [SignatureHash.SHA2_256]: NOBLE_SHA2.sha256,
  [SignatureHash.SHA2_384]: NOBLE_SHA2.sha384,
  [SignatureHash.SHA2_512]: NOBLE_SHA2.sha512,
};

export function nobleHasSignature(algorithm: SignatureScheme['algorithm']): boolean {
  return algorithm === 'ecdsa' || algorithm === 'ed25519';
}

export function nobleSign(scheme: SignatureScheme, privateKey: Uint8Array, data: Uint8Array): Uint8Array {
  const key = readPrivateKey(privateKey);
  checkKeyKind(scheme, key);
  if (scheme.algorithm === 'ecdsa' && key.kind === 'ecdsa') {
    return NOBLE_CURVES[key.curve].sign(DIGESTS[scheme.hash](data), key.scalar, ecdsaOptions(scheme.form));
  }
  if (key.kind === 'ed25519') return ed25519.sign(data, key.seed);
  throw unknownScheme(scheme);
}

export function nobleVerify(
  scheme: SignatureScheme,
  publicKey: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = readPublicKey(publicKey);
  checkKeyKind(scheme, key);
  if (scheme.algorithm === 'ecdsa' && key.kind === 'ecdsa') {
    const curve = NOBLE_CURVES[key.curve];
    if (!curve.utils.isValidPublicKey(key.point)) throw new KeyFormatError('the point is not on the curve');
    const digest = DIGESTS[scheme.hash](data);
    return isFalseOnError(() => curve.verify(signature, digest, key.point, ecdsaOptions(scheme.form)));
  }
  // RFC 8032 §5.1.7, without the leniency of ZIP 215.
  if (key.kind === 'ed25519') {
    return isFalseOnError(() => ed25519.verify(signature, data, key.publicKey, { zip215: false }));
  }
  throw unknownScheme(scheme);
}

/** The digest is given; a high s is as good as a low one (FIPS 186-5 §6.4). */
function ecdsaOptions(form: 'der' | 'raw'): { prehash: false; lowS: false; format: 'der' | 'compact' } {
  return { prehash: false, lowS: false, format: form === 'raw' ? 'compact' : 'der' };
}

/** noble throws at signatures of a wrong length. */
function isFalseOnError(verify: () => boolean): boolean {
  try {
    return verify();
  } catch {
    return false;
  }
}

function unknownScheme({ algorithm }: SignatureScheme): RangeError {
  return new RangeError(`@noble/curves has no ${algorithm}`);
}
