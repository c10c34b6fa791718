// A certificate revocation list, RFC 5280 §5: parsed once, when the configuration is read. Only complete lists of the
// issuer itself; delta and indirect lists have critical extensions, and are of no use here.

import { decodeAlgorithmIdentifier } from '../crypto/algorithm-identifier.ts';
import { asn1 } from './asn1.ts';
import { CertificateFormatError, hexOf, readSigned, type Signed } from './certificate.ts';
import { distinguishedNameKey, toDistinguishedName } from './distinguished-name.ts';

export interface RevocationList extends Signed {
  readonly issuerKey: string;
  readonly thisUpdateMs: number;
  /** Infinity where the list does not say. */
  readonly nextUpdateMs: number;
  /** Serial numbers, hexadecimal. */
  readonly revoked: ReadonlySet<string>;
}

/** @throws CertificateFormatError */
export function parseRevocationList(der: Uint8Array): RevocationList {
  try {
    return read(Uint8Array.from(der));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new CertificateFormatError(`not a revocation list: ${error.message}`, { cause: error });
  }
}

function read(der: Uint8Array): RevocationList {
  const { AsnConvert, CertificateList } = asn1();
  const { tbsCertList: list, signatureAlgorithm } = AsnConvert.parse(der, CertificateList);
  const algorithm = new Uint8Array(AsnConvert.serialize(signatureAlgorithm));
  if (Buffer.compare(algorithm, new Uint8Array(AsnConvert.serialize(list.signature))) !== 0)
    throw new CertificateFormatError('two signature algorithms');
  // RFC 5280 §5.2: whoever does not know a critical extension must not use the list.
  const unknown = list.crlExtensions?.find(({ critical }) => critical);
  if (unknown !== undefined) throw new CertificateFormatError(`critical extension ${unknown.extnID}`);
  const entries = list.revokedCertificates ?? [];
  if (entries.some(({ crlEntryExtensions }) => crlEntryExtensions?.some(({ critical }) => critical)))
    throw new CertificateFormatError('an entry with a critical extension');
  return {
    ...readSigned(der),
    scheme: decodeAlgorithmIdentifier(algorithm),
    issuerKey: distinguishedNameKey(toDistinguishedName(list.issuer)),
    thisUpdateMs: list.thisUpdate.getTime().getTime(),
    nextUpdateMs: list.nextUpdate?.getTime().getTime() ?? Infinity,
    revoked: new Set(entries.map(({ userCertificate }) => hexOf(userCertificate))),
  };
}
