// Identities of IKE peers, RFC 4301 §4.4.3.1 and RFC 7296 §3.5, and patterns that match them. Distinguished names are
// in distinguished-identity.ts.

import {
  compareAddresses,
  formatAddress,
  parseAddress,
  prefixRange,
  rangeContains,
  type Address,
  type AddressRange,
} from '../base/address.ts';
import { IdType, nameOfIdType } from '../wire/ike/iana.ts';
import {
  distinguishedIdentity,
  distinguishedPattern,
  formatDistinguished,
  distinguishedKey,
  matchesDistinguished,
} from './distinguished-identity.ts';

/** The body of an IDi or IDr payload. */
export interface Identity {
  readonly idType: number;
  readonly data: Uint8Array;
}

/** What an identity is held against: one identity, addresses, or with `*` as first character all that end alike. */
export interface IdentityPattern {
  readonly idType: number;
  /** In the notation of {@link parseIdentityPattern}, lower case. */
  readonly text: string;
  /** Addresses that are more than one. */
  readonly range?: AddressRange | undefined;
}

// RFC 1035 §2.3.4, RFC 5321 §4.5.3.1; a key id is at most what strongSwan takes.
const MAX_NAME_CHARACTERS = 255;
const MAX_KEY_ID_BYTES = 255;

/**
 * Reads `192.0.2.1`, `2001:db8::1`, `gw.example.org`, `admin@example.org`, `@#0a1b` (a key id in hexadecimal) or
 * `keyid:text`, or a distinguished name (`C=DE, O=Example, CN=gw`). `@` or `fqdn:` before a name, and `email:` before a mail address, say what is meant.
 * @returns undefined where the text is none of these
 */
export function parseIdentity(text: string): Identity | undefined {
  const pattern = parseIdentityPattern(text);
  return pattern && exactIdentity(pattern);
}

/** As {@link parseIdentity}, and `192.0.2.0/24`, `192.0.2.1-192.0.2.9`, `*.example.org`, `*@example.org`, `*` (any name), `O=Example, CN=*`. */
export function parseIdentityPattern(text: string): IdentityPattern | undefined {
  const [, prefix = '', name = ''] = /^(fqdn:|email:|keyid:|@(?=[^#]))?(.*)$/s.exec(text) ?? [];
  switch (prefix) {
    case 'keyid:':
      return keyIdOf(Buffer.from(name));
    case 'email:':
      return mailPattern(name);
    case '':
      break;
    default:
      return namePattern(name);
  }
  if (/^@#([0-9a-f]{2})+$/i.test(text)) return keyIdOf(Buffer.from(text.slice(2), 'hex'));
  // Digits alone are a mistyped address sooner than a name.
  return (
    addressPattern(text) ??
    distinguishedPattern(text) ??
    mailPattern(text) ??
    (/^[\d.-]+$/.test(text) ? undefined : namePattern(text))
  );
}

/** The one identity that a pattern stands for; undefined where it stands for several. */
export function exactIdentity({ idType, text, range }: IdentityPattern): Identity | undefined {
  if (range !== undefined || text.startsWith('*')) return undefined;
  if (idType === IdType.ID_DER_ASN1_DN) return distinguishedIdentity(text);
  if (idType === IdType.ID_KEY_ID) return { idType, data: new Uint8Array(Buffer.from(text.slice(2), 'hex')) };
  const address = idType === IdType.ID_IPV4_ADDR || idType === IdType.ID_IPV6_ADDR;
  if (address) return identityOfAddress(parseAddress(text));
  return { idType, data: new TextEncoder().encode(text) };
}

function identityOfAddress(address: Address | undefined): Identity | undefined {
  return address && { idType: idTypeOf(address), data: Uint8Array.from(address.bytes) };
}

function idTypeOf({ family }: Address): number {
  return family === 4 ? IdType.ID_IPV4_ADDR : IdType.ID_IPV6_ADDR;
}

function keyIdOf(bytes: Uint8Array): IdentityPattern | undefined {
  if (bytes.length === 0 || bytes.length > MAX_KEY_ID_BYTES) return undefined;
  return { idType: IdType.ID_KEY_ID, text: `@#${Buffer.from(bytes).toString('hex')}` };
}

function mailPattern(text: string): IdentityPattern | undefined {
  if (text.length > MAX_NAME_CHARACTERS || !/^(\*|[\w.!#$%&'+/=?^{|}~-]+)@[\w-]+(\.[\w-]+)*$/.test(text))
    return undefined;
  return { idType: IdType.ID_RFC822_ADDR, text: text.toLowerCase() };
}

function namePattern(text: string): IdentityPattern | undefined {
  if (text.length > MAX_NAME_CHARACTERS || !/^(\*|(\*\.)?[\w-]+(\.[\w-]+)*)$/.test(text)) return undefined;
  return { idType: IdType.ID_FQDN, text: text.toLowerCase() };
}

/** RFC 4301 §4.4.3.1: of addresses the notation that SPD entries have. */
function addressPattern(text: string): IdentityPattern | undefined {
  const single = parseAddress(text);
  if (single !== undefined) return { idType: idTypeOf(single), text: formatAddress(single) };
  const range = readPrefix(text) ?? readRange(text);
  if (range === undefined) return undefined;
  const { first, last } = range;
  if (compareAddresses(first, last) === 0) return { idType: idTypeOf(first), text: formatAddress(first) };
  return { idType: idTypeOf(first), text: `${formatAddress(first)}-${formatAddress(last)}`, range };
}

function readPrefix(text: string): AddressRange | undefined {
  const [, addressText = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = parseAddress(addressText);
  if (address === undefined || Number(bits) > address.bytes.length * 8) return undefined;
  return prefixRange(address, Number(bits));
}

function readRange(text: string): AddressRange | undefined {
  const [firstText = '', lastText = '', ...more] = text.split('-');
  const first = parseAddress(firstText);
  const last = parseAddress(lastText);
  if (first === undefined || last?.family !== first.family || more.length > 0) return undefined;
  return compareAddresses(first, last) <= 0 ? { first, last } : undefined;
}

/** For the log, in the notation of {@link parseIdentity}; what cannot be shown so as type and hexadecimal. */
export function formatIdentity(identity: Identity): string {
  const hex = Buffer.from(identity.data).toString('hex');
  if (identity.idType === IdType.ID_KEY_ID) return `@#${hex}`;
  const address = addressOf(identity);
  if (address !== undefined) return formatAddress(address);
  const distinguished =
    identity.idType === IdType.ID_DER_ASN1_DN ? formatDistinguished(identity.data) : undefined;
  return distinguished ?? nameOf(identity) ?? `${nameOfIdType(identity.idType)} ${hex}`;
}

function addressOf({ idType, data }: Identity): Address | undefined {
  if (idType === IdType.ID_IPV4_ADDR && data.length === 4) return { family: 4, bytes: data };
  if (idType === IdType.ID_IPV6_ADDR && data.length === 16) return { family: 6, bytes: data };
  return undefined;
}

/** A name that is made of letters that can be seen: RFC 7296 §3.5 allows no terminators in it. */
function nameOf({ idType, data }: Identity): string | undefined {
  if (idType !== IdType.ID_FQDN && idType !== IdType.ID_RFC822_ADDR) return undefined;
  if (data.length > MAX_NAME_CHARACTERS) return undefined;
  const text = Buffer.from(data).toString('latin1');
  return /^[!-~]+$/.test(text) ? text : undefined;
}

/** Whether two peers would mean the same by them. */
export function isSameIdentity(one: Identity, other: Identity): boolean {
  if (one.idType !== other.idType) return false;
  return Buffer.compare(one.data, other.data) === 0 || identityKey(one) === identityKey(other);
}

/** Equal for two identities that are the same. */
export function identityKey(identity: Identity): string {
  const { idType, data } = identity;
  const name = idType === IdType.ID_DER_ASN1_DN ? distinguishedKey(data) : nameOf(identity)?.toLowerCase();
  return `${idType} ${name === undefined ? `#${Buffer.from(data).toString('hex')}` : `=${name}`}`;
}

/** RFC 4301 §4.4.3.1: exact match, a range of addresses, or the tail of a name. Names have no upper and lower case. */
export function matchesIdentity(pattern: IdentityPattern, identity: Identity): boolean {
  if (identity.idType !== pattern.idType) return false;
  const { text, range } = pattern;
  if (pattern.idType === IdType.ID_DER_ASN1_DN) return matchesDistinguished(text, identity.data);
  const address = addressOf(identity);
  if (range !== undefined) return address !== undefined && rangeContains(range, address);
  if (!text.startsWith('*')) return formatIdentity(identity).toLowerCase() === text;
  const name = nameOf(identity)?.toLowerCase();
  const tail = text.slice(1);
  if (!name?.endsWith(tail)) return false;
  const head = name.slice(0, name.length - tail.length);
  // The part that `*` stands for is a local part, or labels; a second @ would be neither.
  return head !== '' && !head.includes('@');
}
