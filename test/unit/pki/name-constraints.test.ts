// Name constraints of each type, as DER and as judged: RFC 5280 §4.2.1.6, §4.2.1.10.

import { describe, expect, it } from 'vitest';

import { DerError, DerTag, writeDer } from '../../../src/crypto/der.ts';
import { parseCertificate } from '../../../src/pki/certificate.ts';
import { encodeDistinguishedName } from '../../../src/pki/distinguished-name.ts';
import { readGeneralNames, type GeneralName } from '../../../src/pki/general-name.ts';
import { findForbidden, readNameConstraints } from '../../../src/pki/name-constraints.ts';
import { Authority, dn } from '../../support/lab-authority.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Elements of a GeneralName: tag and content. */
const email = (text: string): Uint8Array => writeDer(0x81, bytes(text));
const dns = (text: string): Uint8Array => writeDer(0x82, bytes(text));
const uri = (text: string): Uint8Array => writeDer(0x86, bytes(text));
const ip = (...octets: readonly number[]): Uint8Array => writeDer(0x87, Uint8Array.from(octets));
const directory = (text: string): Uint8Array => writeDer(0xa4, encodeDistinguishedName(dn(text)));
const registeredId = (...octets: readonly number[]): Uint8Array => writeDer(0x88, Uint8Array.from(octets));

const V6 = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const V6_MASK = [255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

function constraints(side: 0 | 1, ...bases: readonly Uint8Array[]): Uint8Array {
  const subtrees = bases.map((base) => writeDer(DerTag.SEQUENCE, base));
  return writeDer(DerTag.SEQUENCE, writeDer(0xa0 | side, ...subtrees));
}

const namesOf = (...names: readonly Uint8Array[]): readonly GeneralName[] =>
  readGeneralNames(writeDer(DerTag.SEQUENCE, ...names));

const isForbidden = (side: 0 | 1, base: Uint8Array, name: Uint8Array): boolean =>
  findForbidden(readNameConstraints(constraints(side, base)), namesOf(name)) !== undefined;

/** Base, name, whether the name is within; undefined: nobody can say, so it is refused either way. */
const CASES: readonly (readonly [string, Uint8Array, Uint8Array, boolean | undefined])[] = [
  ['a mailbox', email('root@example.org'), email('ROOT@Example.org'), true],
  ['another mailbox of the host', email('root@example.org'), email('a@example.org'), false],
  ['a mailbox on a host', email('example.org'), email('a@example.org'), true],
  ['a mailbox on a host below', email('example.org'), email('a@mail.example.org'), false],
  ['a mailbox below a domain', email('.example.org'), email('a@mail.example.org'), true],
  ['a mailbox at the domain itself', email('.example.org'), email('a@example.org'), false],
  ['a mailbox whose local part has an @', email('example.org'), email('"a@example.net"@example.org'), true],
  ['a host that ends alike', email('example.org'), email('a@notexample.org'), false],
  ['a name', dns('example.org'), dns('example.org'), true],
  ['a name below', dns('example.org'), dns('a.b.Example.org'), true],
  ['a name that ends alike', dns('example.org'), dns('notexample.org'), false],
  ['a name above', dns('gw.example.org'), dns('example.org'), false],
  ['a name that ends with a dot', dns('example.org'), dns('gw.example.org.'), true],
  ['a URI whose host ends with a dot', uri('example.org'), uri('https://example.org./'), true],
  ['any name', dns(''), dns('example.org'), true],
  ['a URI of a host', uri('example.org'), uri('https://example.org/a?b'), true],
  ['a URI of a host, with a port and a user', uri('example.org'), uri('ftp://me@example.org:21/'), true],
  ['a URI of a host below', uri('example.org'), uri('https://www.example.org/'), false],
  ['a URI below a domain', uri('.example.org'), uri('https://www.example.org/'), true],
  ['a URI that has the host elsewhere', uri('example.org'), uri('https://example.net/@example.org'), false],
  ['a URI that has the host as a user', uri('example.org'), uri('https://example.org@example.net/'), false],
  ['a URI without a host', uri('example.org'), uri('urn:example.org'), undefined],
  ['a URI of an IPv6 address', uri('example.org'), uri('https://[2001:db8::1]/'), undefined],
  ['an address', ip(10, 0, 0, 0, 255, 0, 0, 0), ip(10, 9, 8, 7), true],
  ['another address', ip(10, 0, 0, 0, 255, 0, 0, 0), ip(11, 0, 0, 0), false],
  ['an IPv6 address', ip(...V6, ...V6_MASK), ip(...V6.slice(0, 15), 7), true],
  ['another IPv6 address', ip(...V6, ...V6_MASK), ip(0x20, 2, ...V6.slice(2)), false],
  ['an IPv6 address where IPv4 is named', ip(10, 0, 0, 0, 255, 0, 0, 0), ip(...V6), false],
  ['an address without a mask', ip(10, 0, 0, 1), ip(10, 0, 0, 1), undefined],
  ['a directory name below', directory('C=DE, O=Lab'), directory('C=DE, O=Lab, CN=gw'), true],
  [
    'a directory name in other letters',
    directory('C=DE, O=The  Lab'),
    directory('C=de, O=the lab, CN=gw'),
    true,
  ],
  ['the directory name itself', directory('C=DE, O=Lab'), directory('C=DE, O=Lab'), true],
  ['a directory name elsewhere', directory('C=DE, O=Lab'), directory('C=DE, O=Other, CN=gw'), false],
  ['a directory name above', directory('C=DE, O=Lab'), directory('C=DE'), false],
  ['a directory name in another order', directory('C=DE, O=Lab'), directory('O=Lab, C=DE'), false],
  ['a type that nobody knows here', registeredId(0x2a), registeredId(0x2a), undefined],
];

describe('names within constraints', () => {
  it.each(CASES)('%s, permitted', (_what, base, name, isWithin) => {
    expect(isForbidden(0, base, name)).toBe(isWithin !== true);
  });

  it.each(CASES)('%s, excluded', (_what, base, name, isWithin) => {
    expect(isForbidden(1, base, name)).toBe(isWithin !== false);
  });

  it('RFC 5280 §4.2.1.10: say nothing of names of other types', () => {
    const allTypes = [email('a@b.c'), dns('b.c'), uri('https://b.c/'), ip(1, 2, 3, 4), directory('C=DE')];
    for (const base of [email('x'), dns('x'), uri('x'), ip(9, 9, 9, 9, 255, 255, 255, 255), directory('O=X')])
      for (const name of allTypes)
        if (base[0] !== name[0])
          for (const side of [0, 1] as const) expect(isForbidden(side, base, name)).toBe(false);
  });

  it('one of several that are permitted is enough, one that is excluded too many', () => {
    const two = [dns('example.org'), dns('example.net')];
    const judge = (side: 0 | 1): readonly boolean[] =>
      ['a.example.org', 'a.example.net', 'a.example.com'].map(
        (name) =>
          findForbidden(readNameConstraints(constraints(side, ...two)), namesOf(dns(name))) !== undefined,
      );
    expect(judge(0)).toEqual([false, false, true]);
    expect(judge(1)).toEqual([true, true, false]);
  });

  it.each<[string, Uint8Array]>([
    [
      'with a minimum',
      writeDer(
        DerTag.SEQUENCE,
        writeDer(0xa0, writeDer(DerTag.SEQUENCE, dns('a'), writeDer(0x80, Uint8Array.of(1)))),
      ),
    ],
    ['of nothing', writeDer(DerTag.SEQUENCE, writeDer(0xa0, writeDer(DerTag.SEQUENCE)))],
    ['that are neither permitted nor excluded', writeDer(DerTag.SEQUENCE, writeDer(0xa2))],
    ['that are no subtrees', writeDer(DerTag.SEQUENCE, writeDer(0xa0, dns('a')))],
    ['that are no sequence', dns('a')],
    ['on a directory name that is none', constraints(0, writeDer(0xa4, bytes('C=DE')))],
  ])('constraints %s are an error', (_what, der) => {
    expect(() => readNameConstraints(der)).toThrow(DerError);
  });
});

it('RFC 5280 §4.2.1.10: a library that we did not write encodes them the same way', () => {
  const { der } = new Authority('O=Lab, CN=Narrow', {
    change: {
      constraints: {
        permitted: [{ dNSName: 'example.org' }],
        excluded: [{ rfc822Name: 'example.net' }],
      },
    },
  });
  expect(parseCertificate(der).constraints).toEqual({
    permitted: [{ type: 'dns', value: 'example.org' }],
    excluded: [{ type: 'email', value: 'example.net' }],
  });
});
