// Identities of IKE peers, RFC 4301 §4.4.3.1 and RFC 7296 §3.5, and patterns that match them. Distinguished names come
// with certificates and are not here yet.

import { formatAddress, parseAddress } from '../base/address.ts';
import { IdType, nameOfIdType } from '../wire/ike/iana.ts';

/** The body of an IDi or IDr payload. */
export interface Identity {
  readonly idType: number;
  readonly data: Uint8Array;
}

/** What an identity is held against: one identity, or with `*` as first character all that end alike. */
export interface IdentityPattern {
  readonly idType: number;
  /** Text form; `*` alone matches every identity of the type. */
  readonly text: string;
}

/**
 * Reads `192.0.2.1`, `2001:db8::1`, `gw.example.org`, `admin@example.org`, or `@#0a1b` (a key id in hexadecimal).
 * @returns undefined where the text is none of these
 */
export function parseIdentity(text: string): Identity | undefined {
  const pattern = parseIdentityPattern(text);
  if (pattern === undefined || text.includes('*')) return undefined;
  return { idType: pattern.idType, data: encodeText(pattern) };
}

/** As {@link parseIdentity}, and `*.example.org`, `*@example.org`, `*` (any name). */
export function parseIdentityPattern(text: string): IdentityPattern | undefined {
  const address = parseAddress(text);
  if (address !== undefined) {
    const idType = address.family === 4 ? IdType.ID_IPV4_ADDR : IdType.ID_IPV6_ADDR;
    return { idType, text: formatAddress(address) };
  }
  if (/^@#([0-9a-f]{2})+$/i.test(text)) return { idType: IdType.ID_KEY_ID, text: text.toLowerCase() };
  if (/^(\*|[\w.+-]+)@[\w.-]+$/.test(text))
    return { idType: IdType.ID_RFC822_ADDR, text: text.toLowerCase() };
  if (/^(\*|(\*\.)?[\w-]+(\.[\w-]+)*)$/.test(text))
    return { idType: IdType.ID_FQDN, text: text.toLowerCase() };
  return undefined;
}

function encodeText({ idType, text }: IdentityPattern): Uint8Array {
  if (idType === IdType.ID_IPV4_ADDR || idType === IdType.ID_IPV6_ADDR)
    return parseAddress(text)?.bytes ?? new Uint8Array(0);
  if (idType === IdType.ID_KEY_ID) return new Uint8Array(Buffer.from(text.slice(2), 'hex'));
  return new TextEncoder().encode(text);
}

/** For the log, in the notation of {@link parseIdentity}; what cannot be shown so as type and hexadecimal. */
export function formatIdentity({ idType, data }: Identity): string {
  const hex = Buffer.from(data).toString('hex');
  switch (idType) {
    case IdType.ID_IPV4_ADDR:
      return data.length === 4 ? formatAddress({ family: 4, bytes: data }) : `${nameOfIdType(idType)} ${hex}`;
    case IdType.ID_IPV6_ADDR:
      return data.length === 16
        ? formatAddress({ family: 6, bytes: data })
        : `${nameOfIdType(idType)} ${hex}`;
    case IdType.ID_FQDN:
    case IdType.ID_RFC822_ADDR: {
      const text = Buffer.from(data).toString('latin1');
      return /^[!-~]+$/.test(text) ? text : `${nameOfIdType(idType)} ${hex}`;
    }
    case IdType.ID_KEY_ID:
      return `@#${hex}`;
    default:
      return `${nameOfIdType(idType)} ${hex}`;
  }
}

/** RFC 4301 §4.4.3.1: exact match, or the tail of a name. Names are compared without regard to case. */
export function matchesIdentity(pattern: IdentityPattern, identity: Identity): boolean {
  if (identity.idType !== pattern.idType) return false;
  const text = formatIdentity(identity).toLowerCase();
  if (!pattern.text.startsWith('*')) return text === pattern.text;
  const tail = pattern.text.slice(1);
  return text.length > tail.length && text.endsWith(tail);
}
