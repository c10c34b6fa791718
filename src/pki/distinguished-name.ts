// Distinguished names, RFC 5280 §4.1.2.4: their DER, a text form in the order of the DER (`C=DE, O=Example, CN=gw`),
// and when two are the same (§7.1). Strings of a peer are data: nothing here throws but DerError.

import type { AttributeTypeAndValue, Name } from '@peculiar/asn1-x509';

import { DerError } from '../crypto/der.ts';
import { asn1 } from './asn1.ts';

/** One attribute of a relative distinguished name. */
export interface NameAttribute {
  /** Dotted object identifier. */
  readonly type: string;
  readonly value: string;
}

/** Relative distinguished names, the most general first. */
export type DistinguishedName = readonly (readonly NameAttribute[])[];

// RFC 4514 §3, RFC 4519; E as strongSwan and OpenSSL write it.
const TYPES: ReadonlyMap<string, string> = new Map([
  ['CN', '2.5.4.3'],
  ['SN', '2.5.4.4'],
  ['SERIALNUMBER', '2.5.4.5'],
  ['C', '2.5.4.6'],
  ['L', '2.5.4.7'],
  ['ST', '2.5.4.8'],
  ['STREET', '2.5.4.9'],
  ['O', '2.5.4.10'],
  ['OU', '2.5.4.11'],
  ['T', '2.5.4.12'],
  ['DNQUALIFIER', '2.5.4.46'],
  ['DC', '0.9.2342.19200300.100.1.25'],
  ['UID', '0.9.2342.19200300.100.1.1'],
  ['E', '1.2.840.113549.1.9.1'],
]);
const LABELS: ReadonlyMap<string, string> = new Map([...TYPES].map(([label, type]) => [type, label]));
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['EMAILADDRESS', 'E'],
  ['EMAIL', 'E'],
  ['S', 'ST'],
  ['G', '2.5.4.42'],
]);

/** RFC 5280 §4.1.2.6, appendix A.1: types whose strings are not UTF8String. */
const PRINTABLE: ReadonlySet<string> = new Set(['2.5.4.5', '2.5.4.6', '2.5.4.46']);
const IA5: ReadonlySet<string> = new Set(['0.9.2342.19200300.100.1.25', '1.2.840.113549.1.9.1']);

export const EMAIL_ATTRIBUTE = '1.2.840.113549.1.9.1';

const ANY = '*';

export function toDistinguishedName(name: Name): DistinguishedName {
  return Array.from(name, (rdn) => Array.from(rdn, ({ type, value }) => ({ type, value: value.toString() })));
}

/** @throws DerError */
export function decodeDistinguishedName(der: Uint8Array): DistinguishedName {
  const { AsnConvert, Name } = asn1();
  try {
    return toDistinguishedName(AsnConvert.parse(der, Name));
  } catch (error) {
    throw new DerError('not a distinguished name', { cause: error });
  }
}

export function encodeDistinguishedName(name: DistinguishedName): Uint8Array {
  const { AsnConvert, Name, RelativeDistinguishedName } = asn1();
  const rdns = name.map(
    (rdn) => new RelativeDistinguishedName(rdn.map((attribute) => encodeAttribute(attribute))),
  );
  return new Uint8Array(AsnConvert.serialize(new Name(rdns)));
}

function encodeAttribute({ type, value }: NameAttribute): AttributeTypeAndValue {
  const { AttributeTypeAndValue, AttributeValue } = asn1();
  const params = PRINTABLE.has(type)
    ? { printableString: value }
    : IA5.has(type)
      ? { ia5String: value }
      : { utf8String: value };
  return new AttributeTypeAndValue({ type, value: new AttributeValue(params) });
}

/**
 * Reads `C=DE, O=Example, CN=gw`; `\` takes the next character as it is, `+` joins attributes of one RDN.
 * @returns undefined where the text is something else
 */
export function parseDistinguishedName(text: string): DistinguishedName | undefined {
  const rdns: NameAttribute[][] = [[]];
  // Attribute after attribute, with the separator behind it.
  const attribute = /\s*([A-Za-z]+|\d+(?:\.\d+)+)\s*=\s*((?:\\.|[^\\,+])+?)\s*(,|\+|$)/y;
  for (let end = ''; attribute.lastIndex < text.length || end !== '';) {
    const found = attribute.exec(text);
    if (found === null) return undefined;
    const [, label = '', value = '', separator = ''] = found;
    const type = typeOf(label);
    if (type === undefined) return undefined;
    rdns.at(-1)?.push({ type, value: value.replaceAll(/\\(.)/gs, '$1') });
    end = separator;
    if (separator === ',') rdns.push([]);
    if (separator === '') break;
  }
  return rdns[0]?.length === 0 ? undefined : rdns;
}

function typeOf(label: string): string | undefined {
  if (/^\d/.test(label)) return label;
  const upper = label.toUpperCase();
  const name = ALIASES.get(upper) ?? upper;
  return /^\d/.test(name) ? name : TYPES.get(name);
}

/** As {@link parseDistinguishedName} reads it; characters that cannot be seen are replaced. */
export function formatDistinguishedName(name: DistinguishedName): string {
  return name
    .map((rdn) =>
      rdn
        .map(({ type, value }) => {
          const visible = value.replaceAll(/\p{C}/gu, '\uFFFD').replaceAll(/[\\,+]/g, '\\$&');
          return `${LABELS.get(type) ?? type}=${visible}`;
        })
        .join('+'),
    )
    .join(', ');
}

/** Equal for two names that are the same: RFC 5280 §7.1. */
export function distinguishedNameKey(name: DistinguishedName): string {
  // As JSON, because a value may hold whatever would separate it.
  return JSON.stringify(name.map((rdn) => rdnKey(rdn)));
}

function rdnKey(rdn: readonly NameAttribute[]): readonly string[] {
  return rdn.map(({ type, value }) => `${type}=${fold(value)}`).toSorted();
}

/** RFC 5280 §7.1, RFC 4518: no difference between cases, and between one space and several. */
function fold(value: string): string {
  return value.normalize('NFKC').trim().replaceAll(/\s+/g, ' ').toLowerCase();
}

/** As many RDNs of the same types in the same order; `*` as a value of the pattern stands for every value. */
export function matchesDistinguishedName(pattern: DistinguishedName, name: DistinguishedName): boolean {
  return (
    pattern.length === name.length &&
    pattern.every((rdn, index) => {
      const other = name[index] ?? [];
      if (rdn.length !== other.length) return false;
      return rdn.every(({ type, value }) =>
        other.some((one) => one.type === type && (value === ANY || fold(one.value) === fold(value))),
      );
    })
  );
}

/** Whether `name` stands below `base` (RFC 5280 §4.2.1.10, directoryName). */
export function isWithin(base: DistinguishedName, name: DistinguishedName): boolean {
  return distinguishedNameKey(base) === distinguishedNameKey(name.slice(0, base.length));
}

/** Whether a pattern stands for more than one name. */
export function hasWildcard(pattern: DistinguishedName): boolean {
  return pattern.some((rdn) => rdn.some(({ value }) => value === ANY));
}
