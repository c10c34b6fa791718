// Distinguished names as identities, RFC 4301 §4.4.3.1 and RFC 7296 §3.5 (ID_DER_ASN1_DN): text, DER, and patterns in
// which `*` stands for any value of one attribute.

import { DerError } from '../crypto/der.ts';
import {
  decodeDistinguishedName,
  distinguishedNameKey,
  encodeDistinguishedName,
  formatDistinguishedName,
  hasWildcard,
  matchesDistinguishedName,
  parseDistinguishedName,
  type DistinguishedName,
} from '../pki/distinguished-name.ts';
import { IdType } from '../wire/ike/iana.ts';

const idType = IdType.ID_DER_ASN1_DN;
/** Of a name from the network. */
const MOST_BYTES = 4096;

/** @returns undefined where the text is no name, or stands for several */
export function distinguishedIdentity(
  text: string,
): { readonly idType: number; readonly data: Uint8Array } | undefined {
  const name = parseDistinguishedName(text);
  if (name === undefined || hasWildcard(name)) return undefined;
  return { idType, data: encodeDistinguishedName(name) };
}

export function distinguishedPattern(
  text: string,
): { readonly idType: number; readonly text: string } | undefined {
  const name = parseDistinguishedName(text);
  return name && { idType, text: formatDistinguishedName(name) };
}

/** @returns undefined where the bytes are no name */
export function formatDistinguished(data: Uint8Array): string | undefined {
  const name = decode(data);
  return name && formatDistinguishedName(name);
}

export function matchesDistinguished(pattern: string, data: Uint8Array): boolean {
  const expected = parseDistinguishedName(pattern);
  const name = decode(data);
  return expected !== undefined && name !== undefined && matchesDistinguishedName(expected, name);
}

/** Equal for two names that are the same, however their strings are encoded (RFC 5280 §7.1); undefined: it is no name. */
export function distinguishedKey(data: Uint8Array): string | undefined {
  const name = decode(data);
  return name && distinguishedNameKey(name);
}

function decode(data: Uint8Array): DistinguishedName | undefined {
  if (data.length > MOST_BYTES) return undefined;
  try {
    const name = decodeDistinguishedName(data);
    // A name of nothing is nobody's.
    return name.length === 0 ? undefined : name;
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
