// What swanctl reads from files and sends whole: certificates, revocation lists and public keys, in PEM or DER. None of it
// is secret.

import { createHash } from 'node:crypto';

import { KeyFormatError } from '../../crypto/ike-crypto.ts';
import { readPublicKey } from '../../crypto/signature-key.ts';
import { CertificateFormatError, parseCertificate, type Certificate } from '../../pki/certificate.ts';
import { formatDistinguishedName } from '../../pki/distinguished-name.ts';
import { readPem } from '../../pki/pem.ts';
import { parseRevocationList } from '../../pki/revocation-list.ts';
import type { LoadedFile } from '../config/credentials.ts';
import { ViciRequestError } from '../vici/message.ts';

/** @throws ViciRequestError where there is none */
export function readCertificates(data: Uint8Array): readonly LoadedFile[] {
  return blocks(data, 'CERTIFICATE').map((der) => certificateFile(parsed(() => parseCertificate(der))));
}

/** @throws ViciRequestError where it is not exactly one */
export function readCertificate(data: Uint8Array): Certificate {
  const [der, ...others] = blocks(data, 'CERTIFICATE');
  if (der === undefined || others.length > 0)
    throw new ViciRequestError('found several certificates, expected one');
  return parsed(() => parseCertificate(der));
}

/** @throws ViciRequestError */
export function readRevocationList(data: Uint8Array): LoadedFile {
  const [der, ...others] = blocks(data, 'X509 CRL');
  if (der === undefined || others.length > 0) throw new ViciRequestError('found several lists, expected one');
  parsed(() => parseRevocationList(der));
  return { name: `revocation list ${fingerprint(der).slice(0, 16)}`, bytes: der };
}

export function certificateFile(certificate: Certificate): LoadedFile {
  return { name: formatDistinguishedName(certificate.subject), bytes: certificate.der };
}

/** @throws ViciRequestError where it is no public key that IKE can use */
export function publicKeyFile(data: Uint8Array): LoadedFile {
  const [der] = blocks(data, 'PUBLIC KEY');
  if (der === undefined) throw new ViciRequestError('found no public key');
  parsed(() => readPublicKey(der));
  return { name: `public key ${publicKeyId(der)}`, bytes: der };
}

/** How private keys are named. @param spki SubjectPublicKeyInfo */
export function publicKeyId(spki: Uint8Array): string {
  return createHash('sha1').update(spki).digest('hex');
}

export function fingerprint(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex');
}

function blocks(data: Uint8Array, label: string): readonly Uint8Array[] {
  // A SEQUENCE; PEM begins with letters.
  if (data[0] === 0x30) return [Uint8Array.from(data)];
  const found = readPem(data).filter((block) => block.label === label);
  if (found.length === 0) throw new ViciRequestError(`found no ${label} in PEM or DER`);
  return found.map(({ der }) => der);
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof CertificateFormatError || error instanceof KeyFormatError)) throw error;
    throw new ViciRequestError(`found ${error.message}`, { cause: error });
  }
}
