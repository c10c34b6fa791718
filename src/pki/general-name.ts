// GeneralName, RFC 5280 §4.2.1.6: names of a certificate's subject, and bases of name constraints.
//
//   otherName [0] · rfc822Name [1] · dNSName [2] · x400Address [3] · directoryName [4] · ediPartyName [5]
//   uniformResourceIdentifier [6] · iPAddress [7] · registeredID [8]

import { DerTag, readDer, readDerElements, type DerElement } from '../crypto/der.ts';
import { decodeDistinguishedName, type DistinguishedName } from './distinguished-name.ts';

export type GeneralName =
  /** Lower case. */
  | { readonly type: 'email' | 'dns' | 'uri'; readonly value: string }
  /** An address, or in constraints an address and a mask. */
  | { readonly type: 'ip'; readonly value: Uint8Array }
  | { readonly type: 'dn'; readonly value: DistinguishedName }
  /** Not used here, but constraints may be about it. */
  | { readonly type: 'other'; readonly tag: number };

const TEXTS: ReadonlyMap<number, 'email' | 'dns' | 'uri'> = new Map([
  [0x81, 'email'],
  [0x82, 'dns'],
  [0x86, 'uri'],
]);
const DIRECTORY_NAME = 0xa4;
const IP_ADDRESS = 0x87;

/** @throws DerError */
export function readGeneralName({ tag, content }: DerElement): GeneralName {
  const text = TEXTS.get(tag);
  if (text !== undefined) return { type: text, value: Buffer.from(content).toString('latin1').toLowerCase() };
  if (tag === IP_ADDRESS) return { type: 'ip', value: Uint8Array.from(content) };
  // A choice is tagged explicitly (X.680 §31.2.7).
  if (tag === DIRECTORY_NAME) return { type: 'dn', value: decodeDistinguishedName(content) };
  return { type: 'other', tag };
}

/** The content of a subjectAltName extension. @throws DerError */
export function readGeneralNames(der: Uint8Array): readonly GeneralName[] {
  return readDerElements(readDer(der, DerTag.SEQUENCE)).map((element) => readGeneralName(element));
}
