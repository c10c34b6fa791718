// RSA, ECDSA and Ed25519 by node:crypto: RFC 8017, FIPS 186-5, RFC 8032.

import {
  constants,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  type SigningOptions,
  verify,
} from 'node:crypto';
import { type DigestHash, KeyFormatError, SignatureHash, type SignatureScheme } from '../ike-crypto.ts';
import { checkKeyKind, readPrivateKey, readPublicKey } from '../signature-key.ts';
import { bufferOf, plainBytes } from './bytes.ts';

const DIGESTS: Readonly<Record<DigestHash, string>> = {
  [SignatureHash.SHA1]: 'sha1',
  [SignatureHash.SHA2_256]: 'sha256',
  [SignatureHash.SHA2_384]: 'sha384',
  [SignatureHash.SHA2_512]: 'sha512',
};

export function nodeSign(scheme: SignatureScheme, privateKey: Uint8Array, data: Uint8Array): Uint8Array {
  checkKeyKind(scheme, readPrivateKey(privateKey));
  try {
    const key = createPrivateKey({ key: bufferOf(privateKey), format: 'der', type: 'pkcs8' });
    return plainBytes(sign(digestOf(scheme), data, { key, ...optionsOf(scheme) }));
  } catch (error) {
    // The key is broken, or too short for the hash, or its own parameters forbid the scheme (RFC 4055 §1.2).
    throw new KeyFormatError(`OpenSSL does not sign ${scheme.algorithm} with the key`, { cause: error });
  }
}

export function nodeVerify(
  scheme: SignatureScheme,
  publicKey: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  checkKeyKind(scheme, readPublicKey(publicKey));
  const key = imported(publicKey);
  try {
    return verify(digestOf(scheme), data, { key, ...optionsOf(scheme) }, signature);
  } catch {
    // OpenSSL fails where a key is too short for hash and salt, or forbids the scheme: no signature is right then.
    return false;
  }
}

function imported(publicKey: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: bufferOf(publicKey), format: 'der', type: 'spki' });
  } catch (error) {
    throw new KeyFormatError('OpenSSL refuses the public key', { cause: error });
  }
}

/** Ed25519 hashes by itself. */
function digestOf(scheme: SignatureScheme): string | null {
  return scheme.algorithm === 'ed25519' ? null : DIGESTS[scheme.hash];
}

function optionsOf(scheme: SignatureScheme): SigningOptions {
  switch (scheme.algorithm) {
    case 'rsa-pkcs1':
      return { padding: constants.RSA_PKCS1_PADDING };
    case 'rsa-pss':
      return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: scheme.saltBytes };
    case 'ecdsa':
      return { dsaEncoding: scheme.form === 'raw' ? 'ieee-p1363' : 'der' };
    case 'ed25519':
      return {};
  }
}
