// RFC 4301 §4.4.3.1, RFC 7296 §3.5.

import { describe, expect, it } from 'vitest';

import {
  exactIdentity,
  formatIdentity,
  isSameIdentity,
  matchesIdentity,
  parseIdentity,
  parseIdentityPattern,
  type Identity,
} from '../../../src/pad/identity.ts';

// RFC 7296 §3.5.
const IPV4 = 1;
const FQDN = 2;
const MAIL = 3;
const IPV6 = 5;
const KEY_ID = 11;

const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'latin1'));

describe('parseIdentity', () => {
  it.each<[string, number, Uint8Array, string]>([
    ['192.0.2.1', IPV4, Uint8Array.of(192, 0, 2, 1), '192.0.2.1'],
    ['2001:db8::1', IPV6, Uint8Array.of(32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), '2001:db8::1'],
    ['GW.Example.org', FQDN, text('gw.example.org'), 'gw.example.org'],
    ['gateway', FQDN, text('gateway'), 'gateway'],
    ['@gw.example.org', FQDN, text('gw.example.org'), 'gw.example.org'],
    ['fqdn:10.0.0.1', FQDN, text('10.0.0.1'), '10.0.0.1'],
    ['admin+gw@example.org', MAIL, text('admin+gw@example.org'), 'admin+gw@example.org'],
    ['email:admin@example.org', MAIL, text('admin@example.org'), 'admin@example.org'],
    ['@#0A1b', KEY_ID, Uint8Array.of(10, 27), '@#0a1b'],
    ['keyid:Site B', KEY_ID, text('Site B'), '@#536974652042'],
  ])('reads %s', (written, idType, data, shown) => {
    expect(parseIdentity(written)).toEqual({ idType, data });
    expect(formatIdentity({ idType, data })).toBe(shown);
  });

  it.each([
    '', '@', '@#', '@#0', '@#zz', 'keyid:', 'email:gw.example.org', '192.0.2.256', '10.0.0', '10.0.0.1-10.0.0', 'a..b', '.a',
    'a b', 'a@', '@a@b', 'a@b@c', 'CN=', 'XY=a', 'CN=a,', 'CN=*', '*', '*.example.org', '*@example.org', '192.0.2.0/24', '192.0.2.1-192.0.2.9',
    `${'a.'.repeat(128)}a`, `keyid:${'x'.repeat(256)}`, '2001:db8::g',
  ])('knows nobody as %j', (written) => {
    expect(parseIdentity(written)).toBeUndefined();
  }); // prettier-ignore
});

describe('parseIdentityPattern', () => {
  const identity = (written: string): Identity => {
    const read = parseIdentity(written);
    if (read === undefined) throw new TypeError(written);
    return read;
  };

  it.each<[string, readonly string[], readonly string[]]>([
    ['192.0.2.1', ['192.0.2.1'], ['192.0.2.2', 'fqdn:192.0.2.1', '@#c0000201']],
    ['192.0.2.0/30', ['192.0.2.0', '192.0.2.3'], ['192.0.2.4', '192.0.1.255', '::ffff:192.0.2.1']],
    ['192.0.2.5-192.0.2.9', ['192.0.2.5', '192.0.2.9'], ['192.0.2.4', '192.0.2.10']],
    ['2001:db8::/64', ['2001:db8::ffff'], ['2001:db8:0:1::', '192.0.2.1']],
    ['gw.example.org', ['GW.example.ORG', '@gw.example.org'], ['gw.example.com', 'x.gw.example.org']],
    [
      '*.example.org',
      ['gw.example.org', 'a.b.example.org', 'GW.EXAMPLE.ORG'],
      ['example.org', 'gwexample.org', 'gw.example.org.evil', 'a@b.example.org'],
    ],
    [
      '*@example.org',
      ['admin@example.org', 'ADMIN@example.org'],
      ['gw.example.org', 'admin@sub.example.org'],
    ],
    ['*', ['gateway', 'gw.example.org'], ['192.0.2.1', 'admin@example.org', '@#00']],
    ['@#0a1b', ['@#0A1B'], ['@#0a1b00', '@#0a']],
  ])('%s', (written, members, others) => {
    const pattern = parseIdentityPattern(written);
    if (pattern === undefined) throw new TypeError(written);
    for (const member of members) expect(matchesIdentity(pattern, identity(member)), member).toBe(true);
    for (const other of others) expect(matchesIdentity(pattern, identity(other)), other).toBe(false);
  });

  it('is not deceived by bytes that are no text, or another length', () => {
    const matches = (written: string, idType: number, data: Uint8Array): boolean => {
      const pattern = parseIdentityPattern(written);
      if (pattern === undefined) throw new TypeError(written);
      return matchesIdentity(pattern, { idType, data });
    };
    expect(matches('*', FQDN, text('gw\0.example.org'))).toBe(false);
    expect(matches('*.example.org', FQDN, text('evil\0.example.org'))).toBe(false);
    expect(matches('*.example.org', FQDN, text('.example.org'))).toBe(false);
    expect(matches('*@example.org', MAIL, text('@example.org'))).toBe(false);
    expect(matches('*@example.org', MAIL, text('a@b@example.org'))).toBe(false);
    expect(matches('*', FQDN, new Uint8Array(0))).toBe(false);
    expect(matches('*.example.org', FQDN, text(`${'a'.repeat(243)}.example.org`))).toBe(true);
    expect(matches('*.example.org', FQDN, text(`${'a'.repeat(244)}.example.org`))).toBe(false);
    expect(matches('192.0.2.1', IPV4, Uint8Array.of(192, 0, 2, 1, 0))).toBe(false);
    expect(matches('0.0.0.0/0', IPV4, Uint8Array.of(192, 0, 2))).toBe(false);
    expect(matches('::/0', IPV6, new Uint8Array(4))).toBe(false);
    // The text under which unreadable bytes are logged is nobody's name.
    expect(matches('*', FQDN, Uint8Array.of(0))).toBe(false);
  });

  it('stands for one identity only where there is no choice', () => {
    const exact = (written: string): Identity | undefined => {
      const pattern = parseIdentityPattern(written);
      return pattern && exactIdentity(pattern);
    };
    for (const one of [
      '192.0.2.1',
      '2001:db8::1',
      'gw.example.org',
      'admin@example.org',
      '@#0a1b',
      'keyid:x',
    ])
      expect(exact(one)).toEqual(identity(one));
    expect(exact('192.0.2.1/32')).toEqual(identity('192.0.2.1'));
    expect(exact('192.0.2.1-192.0.2.1')).toEqual(identity('192.0.2.1'));
    for (const many of ['192.0.2.0/24', '192.0.2.1-192.0.2.2', '*', '*.example.org', '*@example.org'])
      expect(exact(many)).toBeUndefined();
  });

  it.each([
    '192.0.2.0/33',
    '192.0.2.9-192.0.2.1',
    '192.0.2.1-2001:db8::1',
    '2001:db8::/129',
    '**',
    '*example.org',
    'a*',
    '*@*',
  ])('refuses %s', (written) => {
    expect(parseIdentityPattern(written)).toBeUndefined();
  });
});

describe('formatIdentity', () => {
  it('shows what is no text as type and hexadecimal', () => {
    expect(formatIdentity({ idType: FQDN, data: text('a\nb') })).toBe('ID_FQDN 610a62');
    expect(formatIdentity({ idType: IPV4, data: text('abc') })).toBe('ID_IPV4_ADDR 616263');
    expect(formatIdentity({ idType: 9, data: Uint8Array.of(48, 0) })).toBe('ID_DER_ASN1_DN 3000');
  });
});

describe('isSameIdentity', () => {
  const identity = (idType: number, text: string | Uint8Array): Identity => ({
    idType,
    data: typeof text === 'string' ? new TextEncoder().encode(text) : text,
  });
  // CN=gw as UTF8String and as PrintableString; CN=GX.
  const name = (tag: number, text: string): Uint8Array =>
    Uint8Array.from([0x30, 13, 0x31, 11, 0x30, 9, 6, 3, 0x55, 4, 3, tag, 2, ...Buffer.from(text)]);

  it.each([
    ['the same bytes', identity(11, 'a'), identity(11, 'a'), true],
    ['other key ids', identity(11, 'a'), identity(11, 'A'), false],
    ['names in other letters', identity(2, 'gw.example.org'), identity(2, 'GW.Example.org'), true],
    ['other names', identity(2, 'gw.example.org'), identity(2, 'gw.example.com'), false],
    ['a name and a mail address', identity(2, 'gw'), identity(3, 'gw'), false],
    [
      'RFC 5280 §7.1: another string type',
      identity(9, name(0x0c, 'gw')),
      identity(9, name(0x13, 'GW')),
      true,
    ],
    ['another distinguished name', identity(9, name(0x0c, 'gw')), identity(9, name(0x0c, 'gx')), false],
    ['no distinguished names', identity(9, 'x'), identity(9, 'y'), false],
  ])('%s', (_what, one, other, isSame) => {
    expect(isSameIdentity(one, other)).toBe(isSame);
    expect(isSameIdentity(other, one)).toBe(isSame);
  });
});
