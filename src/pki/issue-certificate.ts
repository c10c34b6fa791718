// Making certificates and CRLs, RFC 5280 §4, §5, for labs and tests: no requests, no storage, no policy.

import { createHash } from 'node:crypto';

import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  CertificateList,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName as Asn1GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  NameConstraints,
  RevokedCertificate,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  TBSCertList,
  Time,
  Validity,
  Version,
} from '@peculiar/asn1-x509';

import { encodeAlgorithmIdentifier } from '../crypto/algorithm-identifier.ts';
import type { CryptoProvider, SignatureScheme } from '../crypto/ike-crypto.ts';
import { encodeDistinguishedName, type DistinguishedName } from './distinguished-name.ts';

/** A subject that issues. */
export interface Issuer {
  readonly subject: DistinguishedName;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** PKCS#8, DER. */
  readonly privateKey: Uint8Array;
  readonly scheme: SignatureScheme;
}

/** Names as text, of the types that IKE has identities for. */
export type IssuedName =
  { readonly dNSName: string } | { readonly rfc822Name: string } | { readonly iPAddress: string };

export interface CertificateContent {
  readonly subject: DistinguishedName;
  readonly publicKey: Uint8Array;
  readonly serial: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** May issue. */
  readonly authority?: { readonly pathLength?: number };
  readonly names?: readonly IssuedName[];
  /** Critical; bits of {@link KeyUsageFlags}. */
  readonly keyUsage?: number;
  readonly extendedKeyUsage?: readonly string[];
  readonly constraints?: {
    readonly permitted?: readonly IssuedName[];
    readonly excluded?: readonly IssuedName[];
  };
  /** Object identifier of a critical extension with nothing in it. */
  readonly criticalExtension?: string;
}

export const AUTHORITY_USAGE: number = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
export const SIGNING_USAGE: number = KeyUsageFlags.digitalSignature;

export function issueCertificate(
  content: CertificateContent,
  issuer: Issuer,
  crypto: Pick<CryptoProvider, 'sign'>,
): Uint8Array {
  const { subject, publicKey, serial, notBeforeMs, notAfterMs } = content;
  const signatureAlgorithm = algorithmOf(issuer.scheme);
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: toBuffer(serial),
    signature: signatureAlgorithm,
    issuer: toName(issuer.subject),
    validity: new Validity({ notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs) }),
    subject: toName(subject),
    subjectPublicKeyInfo: AsnConvert.parse(publicKey, SubjectPublicKeyInfo),
    extensions: new Extensions(extensionsOf(content, issuer)),
  });
  const signatureValue = signatureOf(tbsCertificate, issuer, crypto);
  return serialize(new Certificate({ tbsCertificate, signatureAlgorithm, signatureValue }));
}

export interface RevocationContent {
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  readonly serials: readonly Uint8Array[];
}

export function issueRevocationList(
  { thisUpdateMs, nextUpdateMs, serials }: RevocationContent,
  issuer: Issuer,
  crypto: Pick<CryptoProvider, 'sign'>,
): Uint8Array {
  const signatureAlgorithm = algorithmOf(issuer.scheme);
  const revocationDate = new Time(new Date(thisUpdateMs));
  const revoked = serials.map(
    (serial) => new RevokedCertificate({ userCertificate: toBuffer(serial), revocationDate }),
  );
  const tbsCertList = new TBSCertList({
    version: Version.v2,
    signature: signatureAlgorithm,
    issuer: toName(issuer.subject),
    thisUpdate: new Time(new Date(thisUpdateMs)),
    nextUpdate: new Time(new Date(nextUpdateMs)),
    // RFC 5280 §5.1.2.6: absent where nothing is revoked.
    ...(revoked.length === 0 ? {} : { revokedCertificates: revoked }),
    crlExtensions: [authorityKey(issuer)],
  });
  const signature = signatureOf(tbsCertList, issuer, crypto);
  return serialize(new CertificateList({ tbsCertList, signatureAlgorithm, signature }));
}

function extensionsOf(content: CertificateContent, issuer: Issuer): Extension[] {
  const { authority, names, keyUsage, extendedKeyUsage, constraints, criticalExtension } = content;
  const key = new SubjectKeyIdentifier(toBuffer(keyIdOf(content.publicKey)));
  const extensions = [extension(id_ce_subjectKeyIdentifier, key, false), authorityKey(issuer)];
  if (authority !== undefined) {
    const { pathLength } = authority;
    const basic = new BasicConstraints({
      cA: true,
      ...(pathLength === undefined ? {} : { pathLenConstraint: pathLength }),
    });
    extensions.push(extension(id_ce_basicConstraints, basic, true));
  }
  if (keyUsage !== undefined) extensions.push(extension(id_ce_keyUsage, new KeyUsage(keyUsage), true));
  if (extendedKeyUsage !== undefined)
    extensions.push(extension(id_ce_extKeyUsage, new ExtendedKeyUsage([...extendedKeyUsage]), false));
  if (names !== undefined)
    extensions.push(
      extension(
        id_ce_subjectAltName,
        new SubjectAlternativeName(names.map((name) => new Asn1GeneralName(name))),
        false,
      ),
    );
  if (constraints !== undefined)
    extensions.push(extension(id_ce_nameConstraints, constraintsOf(constraints), true));
  if (criticalExtension !== undefined) {
    const extnValue = new OctetString(new Uint8Array([0x05, 0x00]));
    extensions.push(new Extension({ extnID: criticalExtension, critical: true, extnValue }));
  }
  return extensions;
}

function constraintsOf({
  permitted,
  excluded,
}: NonNullable<CertificateContent['constraints']>): NameConstraints {
  const subtrees = (names: readonly IssuedName[]): GeneralSubtrees =>
    new GeneralSubtrees(names.map((name) => new GeneralSubtree({ base: new Asn1GeneralName(name) })));
  return new NameConstraints({
    ...(permitted === undefined ? {} : { permittedSubtrees: subtrees(permitted) }),
    ...(excluded === undefined ? {} : { excludedSubtrees: subtrees(excluded) }),
  });
}

function authorityKey({ publicKey }: Issuer): Extension {
  const keyIdentifier = new SubjectKeyIdentifier(toBuffer(keyIdOf(publicKey)));
  return extension(id_ce_authorityKeyIdentifier, new AuthorityKeyIdentifier({ keyIdentifier }), false);
}

/** RFC 7093 §2, method 1: the leftmost 160 bits of a SHA-256, which only name the key. */
function keyIdOf(publicKey: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(publicKey).digest().subarray(0, 20));
}

function extension(extnID: string, value: unknown, critical: boolean): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function algorithmOf(scheme: SignatureScheme): AlgorithmIdentifier {
  return AsnConvert.parse(encodeAlgorithmIdentifier(scheme), AlgorithmIdentifier);
}

function signatureOf(
  toBeSigned: TBSCertificate | TBSCertList,
  { scheme, privateKey }: Issuer,
  crypto: Pick<CryptoProvider, 'sign'>,
): ArrayBuffer {
  return toBuffer(crypto.sign(scheme, privateKey, serialize(toBeSigned)));
}

function toName(name: DistinguishedName): Name {
  return AsnConvert.parse(encodeDistinguishedName(name), Name);
}

function serialize(value: unknown): Uint8Array {
  return new Uint8Array(AsnConvert.serialize(value));
}

function toBuffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
