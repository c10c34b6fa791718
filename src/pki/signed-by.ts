// Whether an authority has signed a certificate or a CRL: RFC 5280 §6.1.3 (a)(1), §6.3.3 (f).

import { KeyFormatError, SignatureHash, type CryptoProvider } from '../crypto/ike-crypto.ts';
import { readPublicKey } from '../crypto/signature-key.ts';
import type { Certificate, Signed } from './certificate.ts';

/** RFC 8247 §4.1.2 for the hash, RFC 8247 §4.1 and NIST SP 800-131A for the modulus. */
const LEAST_RSA_BITS = 2048;
/** What is longer costs more time than it is worth, and may be meant to. */
const MOST_RSA_BITS = 8192;

export type SignatureJudgement = 'signed' | 'not-signed' | 'weak';

/** @param issuer whose public key it would be */
export function judgeSignature(
  { scheme, toBeSigned, signature }: Signed,
  issuer: Pick<Certificate, 'publicKey'>,
  crypto: CryptoProvider,
): SignatureJudgement {
  if (scheme === undefined || !crypto.hasSignature(scheme.algorithm)) return 'not-signed';
  if (scheme.algorithm !== 'ed25519' && scheme.hash === SignatureHash.SHA1) return 'weak';
  if (isWeakKey(issuer)) return 'weak';
  try {
    return crypto.verify(scheme, issuer.publicKey, toBeSigned, signature) ? 'signed' : 'not-signed';
  } catch (error) {
    // A key of another kind than the signature's.
    if (error instanceof KeyFormatError) return 'not-signed';
    throw error;
  }
}

/** Too short, absurdly long, or of no kind that is known here. */
export function isWeakKey({ publicKey }: Pick<Certificate, 'publicKey'>): boolean {
  try {
    const key = readPublicKey(publicKey);
    return key.kind === 'rsa' && (key.modulusBits < LEAST_RSA_BITS || key.modulusBits > MOST_RSA_BITS);
  } catch (error) {
    if (error instanceof KeyFormatError) return true;
    throw error;
  }
}
