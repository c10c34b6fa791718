// Reads the private key that signs for this gateway: PEM or DER, PKCS#8 (RFC 5958) or the older forms of RSA and EC
// keys, not encrypted. Copies are zeroed as far as JavaScript allows. Never logged, nor part of a message.

import { constants, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';

import { ConfigError } from '../../base/errors.ts';
import { KeyFormatError } from '../../crypto/ike-crypto.ts';
import { readPrivateKey } from '../../crypto/signature-key.ts';
import { formatPlace } from './config-document.ts';
import type { NamedSecret } from './credentials.ts';
import { describeSource, readText, type SecretPlace } from './secret.ts';

/** An RSA key of 16384 bits has 13 KiB of PEM. */
const MOST_BYTES = 32 * 1024;
const EXPECTED =
  'a private key, not encrypted, of RSA, ECDSA (P-256, P-384, P-521) or Ed25519 (make one with: isthmus pki issue)';

export interface ReadPrivateKey {
  /** PKCS#8, DER. The caller owns it and zeroes it when no IKE SA needs it. */
  readonly pkcs8: Uint8Array;
  readonly publicKey: KeyObject;
}

/** @throws ConfigError where there is none */
export function readSigningKey(named: NamedSecret, place: Omit<SecretPlace, 'line'>): ReadPrivateKey {
  const { source, line } = named;
  const at = `${formatPlace(place.file, named)}: ${describeSource(source)}`;
  const fail = (problem: string, cause?: unknown): ConfigError =>
    new ConfigError(`${at}: ${problem}, expected ${EXPECTED}`, { cause });
  const text = readText(source, { ...place, line }, fail, MOST_BYTES);
  return importSigningKey(text, fail);
}

/**
 * @param text PEM or DER, which is zeroed
 * @throws what `fail` makes
 */
export function importSigningKey(text: Uint8Array, fail: Fail): ReadPrivateKey {
  try {
    const key = imported(text, fail);
    const exported = key.export({ format: 'der', type: 'pkcs8' });
    const pkcs8 = Uint8Array.from(exported);
    exported.fill(0);
    checkKind(key, pkcs8, fail);
    return { pkcs8, publicKey: createPublicKey(key) };
  } finally {
    text.fill(0);
  }
}

type Fail = (problem: string, cause?: unknown) => ConfigError;

function imported(text: Uint8Array, fail: Fail): KeyObject {
  const key = Buffer.from(text.buffer, text.byteOffset, text.length);
  try {
    // A SEQUENCE; PEM begins with letters.
    return text[0] === 0x30 ? importedDer(key) : createPrivateKey({ key, format: 'pem' });
  } catch (error) {
    throw fail(problemOf(key), error);
  }
}

/** The older forms first: nothing in front says which it is, and the message is that of PKCS#8. */
function importedDer(key: Buffer): KeyObject {
  for (const type of ['pkcs1', 'sec1'] as const) {
    try {
      return createPrivateKey({ key, format: 'der', type });
    } catch {
      // Not this one.
    }
  }
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

function problemOf(text: Buffer): string {
  if (text.includes('ENCRYPTED')) return 'found an encrypted key (openssl pkey -in OLD -out NEW decrypts it)';
  const [, label] = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(text.toString('latin1', 0, 4096)) ?? [];
  if (label === undefined) return 'found no PEM';
  return label.endsWith('PRIVATE KEY') ? `found a ${label} that is broken` : `found a ${label}`;
}

function checkKind(key: KeyObject, pkcs8: Uint8Array, fail: Fail): void {
  try {
    readPrivateKey(pkcs8);
  } catch (error) {
    pkcs8.fill(0);
    if (!(error instanceof KeyFormatError)) throw error;
    const curve = key.asymmetricKeyDetails?.namedCurve;
    throw fail(`found a key of ${key.asymmetricKeyType ?? 'no kind'}${curve ? ` on ${curve}` : ''}`, error);
  }
  if (canSign(key)) return;
  pkcs8.fill(0);
  throw fail('found an RSA key that signs with neither SHA2-256 nor SHA2-384 nor SHA2-512');
}

/** An RSA key may be too short for every hash, or an RSASSA-PSS key for another hash only (RFC 4055 §1.2). */
function canSign(key: KeyObject): boolean {
  if (!key.asymmetricKeyType?.startsWith('rsa')) return true;
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
  return ['sha256', 'sha384', 'sha512'].some((hash) => {
    try {
      return sign(hash, new Uint8Array(0), { key, padding, saltLength }).length > 0;
    } catch {
      return false;
    }
  });
}
