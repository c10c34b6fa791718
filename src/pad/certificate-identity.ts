// Whether a certificate is for an identity: RFC 4945 §3.1, RFC 7296 §3.5. The whole of it, and nothing from the common
// name; a key id stands in no certificate.

import type { Certificate } from '../pki/certificate.ts';
import { decodeDistinguishedName, distinguishedNameKey } from '../pki/distinguished-name.ts';
import { DerError } from '../crypto/der.ts';
import { IdType } from '../wire/ike/iana.ts';
import type { Identity } from './identity.ts';

export function certificateHasIdentity(
  { names, subject, subjectKey }: Certificate,
  { idType, data }: Identity,
): boolean {
  switch (idType) {
    case IdType.ID_FQDN:
      return names.some((name) => name.type === 'dns' && name.value === lowerCase(data));
    case IdType.ID_RFC822_ADDR:
      return names.some((name) => name.type === 'email' && name.value === lowerCase(data));
    case IdType.ID_IPV4_ADDR:
    case IdType.ID_IPV6_ADDR:
      return names.some((name) => name.type === 'ip' && Buffer.compare(name.value, data) === 0);
    case IdType.ID_DER_ASN1_DN:
      return subject.length > 0 && keyOf(data) === subjectKey;
    default:
      return false;
  }
}

/** All identities that a certificate is for, the subject last. */
export function identitiesOf({ names, subject, subjectDer }: Certificate): readonly Identity[] {
  const identities = names.flatMap((name): readonly Identity[] => {
    if (name.type === 'dns') return [{ idType: IdType.ID_FQDN, data: Buffer.from(name.value) }];
    if (name.type === 'email') return [{ idType: IdType.ID_RFC822_ADDR, data: Buffer.from(name.value) }];
    if (name.type !== 'ip') return [];
    const isIpv4 = name.value.length === 4;
    return [{ idType: isIpv4 ? IdType.ID_IPV4_ADDR : IdType.ID_IPV6_ADDR, data: name.value }];
  });
  return subject.length === 0
    ? identities
    : [...identities, { idType: IdType.ID_DER_ASN1_DN, data: subjectDer }];
}

function lowerCase(data: Uint8Array): string {
  return Buffer.from(data).toString('latin1').toLowerCase();
}

function keyOf(der: Uint8Array): string | undefined {
  try {
    return distinguishedNameKey(decodeDistinguishedName(der));
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
