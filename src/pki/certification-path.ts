// From a peer's certificate to an authority that is trusted: building the path and validating it, RFC 5280 §6, with
// what RFC 4945 §5.1.3 asks of certificates for IKE. A function of certificates, CRLs and the time; bounded in length
// and in signatures, because a peer that is not authentic yet chooses the certificates.

import type { CryptoProvider } from '../crypto/ike-crypto.ts';
import type { Certificate } from './certificate.ts';
import { EMAIL_ATTRIBUTE } from './distinguished-name.ts';
import type { GeneralName } from './general-name.ts';
import { findForbidden } from './name-constraints.ts';
import type { RevocationList } from './revocation-list.ts';
import { isWeakKey, judgeSignature } from './signed-by.ts';

export interface Trust {
  /** Authorities, or the peer's own certificate. */
  readonly anchors: readonly Certificate[];
  readonly revocationLists: readonly RevocationList[];
}

export interface Judge {
  readonly crypto: CryptoProvider;
  /** Milliseconds since 1970. */
  readonly wallClockMs: number;
}

export type CertificateFault =
  | 'unknown-authority'
  | 'chain-too-long'
  | 'certificate-forged'
  | 'certificate-weak'
  | 'certificate-not-yet-valid'
  | 'certificate-expired'
  | 'certificate-unknown-critical'
  | 'certificate-no-authority'
  | 'certificate-wrong-usage'
  | 'certificate-forbidden-name'
  | 'certificate-revoked'
  | 'revocation-unknown';

export type PathResult =
  | { readonly path: readonly Certificate[] }
  /** @param about the certificate in question */
  | { readonly fault: CertificateFault; readonly about: Certificate };

/** Certificates from the peer's to the anchor, both counted. */
export const MOST_CERTIFICATES = 8;
/** Certificates that are looked at for one peer, and signatures that are verified. */
const MOST_STEPS = 256;
const MOST_SIGNATURES = 32;

// RFC 4945 §5.1.3.12
const ANY_EXTENDED_KEY_USAGE = '2.5.29.37.0';
const IPSEC_IKE = '1.3.6.1.5.5.7.3.17';

/**
 * @param leaf of the peer
 * @param others that the peer sent along; trusted in nothing
 */
export function findPath(
  leaf: Certificate,
  others: readonly Certificate[],
  trust: Trust,
  judge: Judge,
): PathResult {
  let [steps, signatures] = [0, 0];
  /** By names and key ids alone, so that no key of a stranger is used before an authority has vouched for it. */
  const extend = (path: readonly Certificate[], last: Certificate): PathResult => {
    if (trust.anchors.some((anchor) => isSame(anchor, last))) return verify(path);
    const candidates = [...trust.anchors, ...others].filter(
      (candidate) => mayHaveIssued(candidate, last) && !path.some((one) => isSame(one, candidate)),
    );
    // The same certificate may have come often.
    const issuers = candidates.filter(
      (one, index) => candidates.findIndex((other) => isSame(one, other)) === index,
    );
    if (issuers.length > 0 && path.length >= MOST_CERTIFICATES)
      return { fault: 'chain-too-long', about: last };
    let fault: PathResult = { fault: 'unknown-authority', about: last };
    for (const issuer of issuers) {
      if (++steps > MOST_STEPS) return { fault: 'chain-too-long', about: last };
      const result = extend([...path, issuer], issuer);
      if ('path' in result) return result;
      // Whatever came nearest to an anchor says the most.
      if (fault.fault === 'unknown-authority') fault = result;
    }
    return fault;
  };
  /** From the anchor down: RFC 5280 §6.1. */
  const verify = (path: readonly Certificate[]): PathResult => {
    for (let index = path.length - 2; index >= 0; index--) {
      const [subject, issuer] = [path[index]!, path[index + 1]!];
      if (++signatures > MOST_SIGNATURES) return { fault: 'chain-too-long', about: subject };
      const judgement = judgeSignature(subject, issuer, judge.crypto);
      if (judgement !== 'signed')
        return { fault: judgement === 'weak' ? 'certificate-weak' : 'certificate-forged', about: subject };
    }
    return validate(path, trust, judge);
  };
  return extend([leaf], leaf);
}

function isSame(one: Certificate, other: Certificate): boolean {
  return Buffer.compare(one.der, other.der) === 0;
}

/** RFC 5280 §4.1.2.4, §4.2.1.1. */
function mayHaveIssued(issuer: Certificate, subject: Certificate): boolean {
  if (issuer.subjectKey !== subject.issuerKey) return false;
  const { authorityKeyId } = subject;
  return (
    authorityKeyId === undefined ||
    issuer.subjectKeyId === undefined ||
    authorityKeyId === issuer.subjectKeyId
  );
}

/** RFC 5280 §6.1. The signatures are verified already. */
function validate(path: readonly Certificate[], trust: Trust, judge: Judge): PathResult {
  for (const [index, certificate] of path.entries()) {
    const fault =
      faultOf(certificate, judge.wallClockMs) ??
      (index === 0 ? leafFault(certificate) : authorityFault(certificate, path.slice(0, index)));
    if (fault !== undefined) return { fault, about: certificate };
  }
  for (const [index, certificate] of path.entries()) {
    const issuer = path[index + 1];
    const fault = issuer && revocationFault(certificate, issuer, trust.revocationLists, judge);
    if (fault !== undefined) return { fault, about: certificate };
  }
  return { path };
}

function faultOf(certificate: Certificate, wallClockMs: number): CertificateFault | undefined {
  if (certificate.unknownCritical !== undefined) return 'certificate-unknown-critical';
  // Written so that a date that is none is refused.
  if (!(certificate.notBeforeMs <= wallClockMs)) return 'certificate-not-yet-valid';
  if (!(wallClockMs <= certificate.notAfterMs)) return 'certificate-expired';
  return isWeakKey(certificate) ? 'certificate-weak' : undefined;
}

/** Whether a certificate of a gateway may not sign in IKE. */
export function leafFault({ keyUsage, extendedKeyUsage }: Certificate): CertificateFault | undefined {
  // RFC 4945 §5.1.3.2: one of the two, where the extension is there.
  const maySign =
    keyUsage?.some((usage) => usage === 'digitalSignature' || usage === 'nonRepudiation') ?? true;
  // RFC 4945 §5.1.3.12
  const mayIke =
    extendedKeyUsage?.some((usage) => usage === ANY_EXTENDED_KEY_USAGE || usage === IPSEC_IKE) ?? true;
  return maySign && mayIke ? undefined : 'certificate-wrong-usage';
}

/** @param below the certificates from the leaf to the one that it has issued */
function authorityFault(
  { isAuthority, keyUsage, pathLength, constraints }: Certificate,
  below: readonly Certificate[],
): CertificateFault | undefined {
  // RFC 5280 §6.1.4 (k), (n)
  if (!isAuthority) return 'certificate-no-authority';
  if (keyUsage?.includes('keyCertSign') === false) return 'certificate-wrong-usage';
  // RFC 5280 §4.2.1.9: the leaf does not count, nor do certificates that an authority gave itself.
  const intermediates = below.slice(1).filter((one) => !isSelfIssued(one));
  if (pathLength !== undefined && intermediates.length > pathLength) return 'certificate-no-authority';
  if (constraints === undefined) return undefined;
  const isForbidden = below.some(
    (one, index) =>
      (index === 0 || !isSelfIssued(one)) && findForbidden(constraints, namesOf(one)) !== undefined,
  );
  return isForbidden ? 'certificate-forbidden-name' : undefined;
}

function isSelfIssued({ subjectKey, issuerKey }: Certificate): boolean {
  return subjectKey === issuerKey;
}

/** RFC 5280 §4.2.1.10: the subject too, and a mail address in it where subjectAltName has none. */
function namesOf({ subject, names }: Certificate): readonly GeneralName[] {
  const mail = names.some(({ type }) => type === 'email')
    ? []
    : subject.flat().filter(({ type }) => type === EMAIL_ATTRIBUTE);
  return [
    ...names,
    ...(subject.length === 0 ? [] : [{ type: 'dn', value: subject } as const]),
    ...mail.map(({ value }) => ({ type: 'email', value: value.toLowerCase() }) as const),
  ];
}

/**
 * RFC 5280 §6.3. An authority without a list revokes nothing; where it has one, a current one must be there, or nobody
 * knows what it has revoked since.
 */
function revocationFault(
  { serial }: Certificate,
  issuer: Certificate,
  lists: readonly RevocationList[],
  { crypto, wallClockMs }: Judge,
): CertificateFault | undefined {
  const own = lists.filter(({ issuerKey }) => issuerKey === issuer.subjectKey);
  if (own.length === 0) return undefined;
  const maySign = issuer.keyUsage?.includes('crlSign') ?? true;
  const genuine = maySign ? own.filter((list) => judgeSignature(list, issuer, crypto) === 'signed') : [];
  if (genuine.some(({ revoked }) => revoked.has(serial))) return 'certificate-revoked';
  const isCurrent = genuine.some(
    ({ thisUpdateMs, nextUpdateMs }) => thisUpdateMs <= wallClockMs && wallClockMs <= nextUpdateMs,
  );
  return isCurrent ? undefined : 'revocation-unknown';
}
