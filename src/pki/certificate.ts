// An X.509 certificate as far as IKE looks at it: RFC 5280 §4, RFC 4945 §5. A library reads the ASN.1; what is kept is
// plain data. Nothing is judged here but the form.

import { createHash } from 'node:crypto';

import type { Extension, KeyUsageType } from '@peculiar/asn1-x509';

import { decodeAlgorithmIdentifier } from '../crypto/algorithm-identifier.ts';
import { DerTag, readDer, readDerElements } from '../crypto/der.ts';
import type { SignatureScheme } from '../crypto/ike-crypto.ts';
import { asn1 } from './asn1.ts';
import { distinguishedNameKey, toDistinguishedName, type DistinguishedName } from './distinguished-name.ts';
import { readGeneralNames, type GeneralName } from './general-name.ts';
import { readNameConstraints, type NameConstraints } from './name-constraints.ts';

/** What somebody signed, with the signature. */
export interface Signed {
  readonly toBeSigned: Uint8Array;
  /** Undefined: not an algorithm that is known here. */
  readonly scheme: SignatureScheme | undefined;
  readonly signature: Uint8Array;
}

export interface Certificate extends Signed {
  readonly der: Uint8Array;
  /** Hexadecimal. */
  readonly serial: string;
  readonly issuerKey: string;
  readonly subject: DistinguishedName;
  readonly subjectKey: string;
  readonly subjectDer: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** SHA-1 of the SubjectPublicKeyInfo: how CERTREQ names an authority (RFC 7296 §3.7). */
  readonly publicKeyHash: Uint8Array;
  readonly isAuthority: boolean;
  readonly pathLength: number | undefined;
  /** Undefined: for everything. */
  readonly keyUsage: readonly KeyUsageType[] | undefined;
  /** Object identifiers; undefined: for everything. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectKeyId: string | undefined;
  readonly authorityKeyId: string | undefined;
  /** subjectAltName. */
  readonly names: readonly GeneralName[];
  readonly constraints: NameConstraints | undefined;
  /** A critical extension that is not known here. */
  readonly unknownCritical: string | undefined;
}

/** The bytes are no certificate, or no CRL. */
export class CertificateFormatError extends Error {
  override readonly name = 'CertificateFormatError';
}

const MOST_BYTES = 16_384;
const MOST_DEPTH = 24;
const CONSTRUCTED = 0x20;

/** @param der may come from anybody; copied @throws CertificateFormatError */
export function parseCertificate(der: Uint8Array): Certificate {
  if (der.length > MOST_BYTES) throw new CertificateFormatError(`${der.length} bytes are too many`);
  try {
    return read(Uint8Array.from(der));
  } catch (error) {
    // The library throws plain errors.
    if (!(error instanceof Error)) throw error;
    throw new CertificateFormatError(`not a certificate: ${error.message}`, { cause: error });
  }
}

function read(der: Uint8Array): Certificate {
  checkDepth(der, 0);
  const { AsnConvert, Certificate: Asn1Certificate } = asn1();
  const { tbsCertificate: tbs, signatureAlgorithm } = AsnConvert.parse(der, Asn1Certificate);
  const algorithm = new Uint8Array(AsnConvert.serialize(signatureAlgorithm));
  // RFC 5280 §4.1.1.2: both say the same, and only one of them is signed.
  if (Buffer.compare(algorithm, new Uint8Array(AsnConvert.serialize(tbs.signature))) !== 0)
    throw new CertificateFormatError('two signature algorithms');
  const extensions = extensionsOf(tbs.extensions ?? []);
  const publicKey = new Uint8Array(AsnConvert.serialize(tbs.subjectPublicKeyInfo));
  const subject = toDistinguishedName(tbs.subject);
  return {
    der,
    ...readSigned(der),
    scheme: decodeAlgorithmIdentifier(algorithm),
    serial: hexOf(tbs.serialNumber),
    issuerKey: distinguishedNameKey(toDistinguishedName(tbs.issuer)),
    subject,
    subjectKey: distinguishedNameKey(subject),
    subjectDer: new Uint8Array(AsnConvert.serialize(tbs.subject)),
    notBeforeMs: tbs.validity.notBefore.getTime().getTime(),
    notAfterMs: tbs.validity.notAfter.getTime().getTime(),
    publicKey,
    publicKeyHash: new Uint8Array(createHash('sha1').update(publicKey).digest()),
    ...extensions,
  };
}

function extensionsOf(
  list: readonly Extension[],
): Pick<
  Certificate,
  | 'isAuthority'
  | 'pathLength'
  | 'keyUsage'
  | 'extendedKeyUsage'
  | 'subjectKeyId'
  | 'authorityKeyId'
  | 'names'
  | 'constraints'
  | 'unknownCritical'
> {
  const ids = asn1();
  const { AsnConvert, AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage } = ids;
  const byId = new Map(list.map(({ extnID, extnValue }) => [extnID, new Uint8Array(extnValue.buffer)]));
  // RFC 5280 §4.2: no extension twice.
  if (byId.size !== list.length) throw new CertificateFormatError('an extension twice');
  // Extensions that are obeyed, and policies, which nobody asks for here (RFC 5280 §6.1.1 c).
  const known = new Set([
    ids.id_ce_authorityKeyIdentifier,
    ids.id_ce_basicConstraints,
    ids.id_ce_certificatePolicies,
    ids.id_ce_extKeyUsage,
    ids.id_ce_keyUsage,
    ids.id_ce_nameConstraints,
    ids.id_ce_subjectAltName,
    ids.id_ce_subjectKeyIdentifier,
  ]);
  const parsed = <T>(id: string, parse: (value: Uint8Array) => T): T | undefined => {
    const value = byId.get(id);
    return value === undefined ? undefined : parse(value);
  };
  const basic = parsed(ids.id_ce_basicConstraints, (value) => AsnConvert.parse(value, BasicConstraints));
  const authorityKey = parsed(ids.id_ce_authorityKeyIdentifier, (value) =>
    AsnConvert.parse(value, AuthorityKeyIdentifier),
  );
  return {
    isAuthority: basic?.cA ?? false,
    pathLength: basic?.pathLenConstraint,
    keyUsage: parsed(ids.id_ce_keyUsage, (value) => AsnConvert.parse(value, KeyUsage).toJSON()),
    extendedKeyUsage: parsed(ids.id_ce_extKeyUsage, (value) => [
      ...AsnConvert.parse(value, ExtendedKeyUsage),
    ]),
    subjectKeyId: parsed(ids.id_ce_subjectKeyIdentifier, (value) =>
      hexOf(AsnConvert.parse(value, ids.SubjectKeyIdentifier).buffer),
    ),
    authorityKeyId: authorityKey?.keyIdentifier && hexOf(authorityKey.keyIdentifier.buffer),
    names: parsed(ids.id_ce_subjectAltName, readGeneralNames) ?? [],
    constraints: parsed(ids.id_ce_nameConstraints, readNameConstraints),
    unknownCritical: list.find(({ extnID, critical }) => critical && !known.has(extnID))?.extnID,
  };
}

/** DER all through, and not so deep that a recursion could end badly. */
function checkDepth(der: Uint8Array, depth: number): void {
  if (depth > MOST_DEPTH) throw new CertificateFormatError('nested too deep');
  for (const { tag, content } of readDerElements(der))
    if ((tag & CONSTRUCTED) !== 0) checkDepth(content, depth + 1);
}

/** The first and the last element of the outer SEQUENCE (RFC 5280 §4.1.1, §5.1.1), octet for octet. */
export function readSigned(der: Uint8Array): Pick<Signed, 'toBeSigned' | 'signature'> {
  const content = readDer(der, DerTag.SEQUENCE);
  const [first, , last, ...rest] = readDerElements(content);
  if (first === undefined || last?.tag !== DerTag.BIT_STRING || rest.length > 0)
    throw new CertificateFormatError('not three elements');
  // X.690 §11.2: no unused bits, so that there is one way to write a signature.
  if (last.content[0] !== 0) throw new CertificateFormatError('a signature that ends within an octet');
  return {
    toBeSigned: content.subarray(0, first.content.byteOffset - content.byteOffset + first.content.length),
    signature: last.content.subarray(1),
  };
}

/** RFC 5280 §4.1.2.2: a serial number, as hexadecimal digits without leading zeros. */
export function hexOf(bytes: ArrayBuffer): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(?:00)+(?=.)/, '');
}
