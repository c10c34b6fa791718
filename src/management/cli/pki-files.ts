// The files of an authority and of what it issues: NAME.pem with the certificate and its issuers below the root, and
// NAME.key.

import { createPrivateKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

import { EnvironmentError } from '../../base/errors.ts';
import { KeyFormatError } from '../../crypto/ike-crypto.ts';
import { CertificateFormatError, parseCertificate, type Certificate } from '../../pki/certificate.ts';
import type { Issuer } from '../../pki/issue-certificate.ts';
import { readPem, writePem } from '../../pki/pem.ts';
import {
  generateSigningKeys,
  issuingScheme,
  type SigningKeys,
  type SigningKeyType,
} from '../../pki/signing-keys.ts';
import { writeNewFile } from './new-file.ts';
import type { Output } from './output.ts';

/** An authority with the certificates that stand between it and the root, its own among them; none of a root. */
export interface Authority extends Issuer {
  readonly chain: readonly Uint8Array[];
}

export interface PairPaths {
  readonly certificate: string;
  readonly key: string;
}

export function pairOf(name: string): PairPaths {
  const base = name.replace(/\.pem$/, '');
  return { certificate: `${base}.pem`, key: `${base}.key` };
}

/** Both files or none. @param chainOf certificates for the new key @throws EnvironmentError */
export function writePair(
  paths: PairPaths,
  { type, force = false }: { readonly type: SigningKeyType; readonly force?: boolean },
  output: Output,
  chainOf: (keys: SigningKeys) => readonly Uint8Array[],
): void {
  for (const path of [paths.key, paths.certificate])
    if (!force && existsSync(path))
      throw new EnvironmentError(`${path}: exists already and is left as it is; --force replaces it`);
  const keys = generateSigningKeys(type);
  try {
    const certificates = chainOf(keys).map((der) => writePem('CERTIFICATE', der));
    writeNewFile({ path: paths.key, text: writePem('PRIVATE KEY', keys.privateKey), isSecret: true }, force);
    writeNewFile({ path: paths.certificate, text: certificates.join('') }, force);
  } finally {
    keys.privateKey.fill(0);
  }
  output.out(`${paths.key}\n${paths.certificate}\n`);
}

/** The caller zeroes the private key. @throws EnvironmentError */
export function readAuthority(path: string): Authority {
  const [certificate, ...others] = certificatesOf(path);
  if (!certificate?.isAuthority)
    throw new EnvironmentError(`${path}: found no certificate of an authority; isthmus pki ca makes one`);
  const { key: keyPath } = pairOf(path);
  const text = read(keyPath);
  try {
    const privateKey = createPrivateKey({ key: text, format: 'pem' }).export({
      format: 'der',
      type: 'pkcs8',
    });
    const chain = [certificate, ...others].filter(({ subjectKey, issuerKey }) => subjectKey !== issuerKey);
    return {
      subject: certificate.subject,
      publicKey: certificate.publicKey,
      privateKey,
      scheme: issuingScheme(privateKey),
      chain: chain.map(({ der }) => der),
    };
  } catch (error) {
    // What node:crypto throws has a code.
    if (!(error instanceof KeyFormatError || (error instanceof Error && 'code' in error))) throw error;
    throw new EnvironmentError(`${keyPath}: found no private key that is not encrypted, in PEM`, {
      cause: error,
    });
  } finally {
    text.fill(0);
  }
}

/** @throws EnvironmentError */
export function firstCertificate(path: string): Certificate {
  const [certificate] = certificatesOf(path);
  if (certificate === undefined) throw new EnvironmentError(`${path}: found no certificate in PEM`);
  return certificate;
}

function certificatesOf(path: string): readonly Certificate[] {
  try {
    return readPem(read(path))
      .filter(({ label }) => label === 'CERTIFICATE')
      .map(({ der }) => parseCertificate(der));
  } catch (error) {
    if (!(error instanceof CertificateFormatError)) throw error;
    throw new EnvironmentError(`${path}: ${error.message}`, { cause: error });
  }
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new EnvironmentError(`${path}: cannot be read (${code})`, { cause: error });
  }
}
