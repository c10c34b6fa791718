// The values of selectors as the file writes them: addresses, prefixes, ranges, protocols, ports and ICMP
// messages (RFC 4301 §4.4.1.1). Each reader gives undefined for what it does not understand.

import { compareAddresses, parseAddress, prefixRange, type AddressRange } from '../../base/address.ts';
import { parseIdentityPattern, type IdentityPattern } from '../../pad/identity.ts';
import { OPAQUE, type NumberRange } from '../../spd/policy.ts';
import { IdType } from '../../wire/ike/iana.ts';
import { readInteger } from './expectation.ts';
import {
  ICMP,
  ICMPV6,
  ICMP_TYPES,
  ICMPV6_TYPES,
  MOBILITY_HEADER_TYPES,
  PROTOCOL_NUMBERS,
} from './protocol-names.ts';

export const EXPECTED_ADDRESS = ['an address', 'prefix (10.0.1.0/24)', 'range (10.0.1.1-10.0.1.9)'] as const;
export const EXPECTED_NAME = [
  'a name (gw.example.org)',
  'mail address',
  'distinguished name',
  'key id ("@#0a1b", "keyid:text")',
  'pattern ("*.example.org", "*@example.org")',
] as const;
export const EXPECTED_PORT = ['a port from 0 to 65535', 'range ("1024-65535")'] as const;
export const EXPECTED_ICMP = ['an ICMP type (echo-request)', '{type: 8, code: 0}', '"8/0"'] as const;
export const EXPECTED_MOBILITY = [
  'a Mobility Header type (binding-update)',
  'a number from 0 to 255',
] as const;
export const EXPECTED_PROTOCOL = 'any, a number from 0 to 255 or a protocol name (tcp, udp, icmp, icmpv6, …)';

const NAME_TYPES: ReadonlySet<number> = new Set([
  IdType.ID_FQDN,
  IdType.ID_RFC822_ADDR,
  IdType.ID_DER_ASN1_DN,
  IdType.ID_KEY_ID,
]);

/** `10.0.1.7`, `10.0.1.0/24`, `10.0.1.1-10.0.1.9` and the same in IPv6. */
export function readAddressRange(found: unknown): AddressRange | undefined {
  if (typeof found !== 'string') return undefined;
  const [firstText = '', lastText, ...more] = found.split('-').map((part) => part.trim());
  if (more.length > 0) return undefined;
  if (lastText === undefined) return readPrefix(found);
  const first = parseAddress(firstText);
  const last = parseAddress(lastText);
  if (first === undefined || last?.family !== first.family) return undefined;
  return compareAddresses(first, last) <= 0 ? { first, last } : undefined;
}

function readPrefix(text: string): AddressRange | undefined {
  const [addressText = '', bitsText, ...more] = text.split('/');
  const address = parseAddress(addressText);
  if (address === undefined || more.length > 0) return undefined;
  if (bitsText === undefined) return { first: address, last: address };
  const bits = readDigits(bitsText, address.bytes.length * 8);
  return bits === undefined ? undefined : prefixRange(address, bits);
}

/** RFC 4301 §4.4.1.1: a name is not an address; that is what `remote_address` is for. */
export function readName(found: unknown): IdentityPattern | undefined {
  const pattern = typeof found === 'string' ? parseIdentityPattern(found) : undefined;
  return pattern !== undefined && NAME_TYPES.has(pattern.idType) ? pattern : undefined;
}

/** @returns an IANA number, or the word `any` */
export function readProtocol(found: unknown): number | 'any' | undefined {
  if (found === 'any') return 'any';
  return typeof found === 'string' ? PROTOCOL_NUMBERS.get(found) : readInteger(found, 0, 255);
}

/** The word for a field that a packet does not show, because it is a later fragment (RFC 4301 §4.4.1.1). */
export const OPAQUE_WORD = 'opaque';

/** `443`, `1024-65535` or `opaque`. */
export function readPortRange(found: unknown): NumberRange | undefined {
  if (found === OPAQUE_WORD) return OPAQUE;
  const single = readInteger(found, 0, 65_535);
  if (single !== undefined) return { first: single, last: single };
  if (typeof found !== 'string') return undefined;
  const [firstText = '', lastText = firstText, ...more] = found.split('-').map((part) => part.trim());
  const first = readDigits(firstText, 65_535);
  const last = readDigits(lastText, 65_535);
  if (first === undefined || last === undefined || first > last || more.length > 0) return undefined;
  return { first, last };
}

export const MOBILITY_TYPE_NAMES: readonly string[] = [...MOBILITY_HEADER_TYPES.keys()];

/** `binding-update`, `5` or `opaque`; RFC 4301 §4.4.1.1 has the type in the upper half of the local port. */
export function readMobilityType(found: unknown): NumberRange | undefined {
  if (found === OPAQUE_WORD) return OPAQUE;
  const type = typeof found === 'string' ? MOBILITY_HEADER_TYPES.get(found) : readInteger(found, 0, 255);
  return type === undefined ? undefined : { first: type * 256, last: type * 256 + 255 };
}

/** An ICMP message as written; a name means another type in ICMPv6 than in ICMP. */
export interface IcmpMessage {
  readonly type: number | string;
  /** undefined: every code. */
  readonly code: number | undefined;
}

export const ICMP_TYPE_NAMES: readonly string[] = [
  ...new Set([...ICMP_TYPES.keys(), ...ICMPV6_TYPES.keys()]),
];

/** `echo-request`, `8`, `8/0`, `{type: 8}` or `{type: echo-request, code: 0}`. */
export function readIcmpMessage(found: unknown): IcmpMessage | undefined {
  if (typeof found === 'object' && found !== null && !Array.isArray(found)) {
    const { type: typeFound, code: codeFound, ...more } = found as Record<string, unknown>;
    const type = readIcmpType(typeFound);
    const code = readInteger(codeFound, 0, 255);
    if (type === undefined || Object.keys(more).length > 0) return undefined;
    if (codeFound !== undefined && code === undefined) return undefined;
    return { type, code };
  }
  const [typeText = '', codeText, ...more] = typeof found === 'string' ? found.split('/') : [];
  const type =
    typeof found === 'string' ? (readDigits(typeText, 255) ?? readIcmpType(typeText)) : readIcmpType(found);
  const code = codeText === undefined ? undefined : readDigits(codeText, 255);
  if (type === undefined || more.length > 0 || (codeText !== undefined && code === undefined))
    return undefined;
  return { type, code };
}

function readIcmpType(found: unknown): number | string | undefined {
  if (typeof found === 'string')
    return found === OPAQUE_WORD || ICMP_TYPE_NAMES.includes(found) ? found : undefined;
  return readInteger(found, 0, 255);
}

/** The type names that a protocol has; undefined where it has no ICMP messages at all. */
export function icmpTypesOf(protocol: number | 'any'): ReadonlyMap<string, number> | undefined {
  if (protocol === ICMP) return ICMP_TYPES;
  return protocol === ICMPV6 ? ICMPV6_TYPES : undefined;
}

/** type × 256 + code, as the SPD compares them; undefined where the protocol has no such type. */
export function icmpRange(message: IcmpMessage, types: ReadonlyMap<string, number>): NumberRange | undefined {
  if (message.type === OPAQUE_WORD) return message.code === undefined ? OPAQUE : undefined;
  const type = typeof message.type === 'number' ? message.type : types.get(message.type);
  if (type === undefined) return undefined;
  return { first: type * 256 + (message.code ?? 0), last: type * 256 + (message.code ?? 255) };
}

function readDigits(text: string, last: number): number | undefined {
  return /^\d{1,5}$/.test(text) ? readInteger(Number(text), 0, last) : undefined;
}
