// Distinguished names as identities: RFC 4301 §4.4.3.1, RFC 4514, RFC 5280 §7.1.

import { describe, expect, test } from 'vitest';

import {
  exactIdentity,
  formatIdentity,
  matchesIdentity,
  parseIdentity,
  parseIdentityPattern,
  type Identity,
  type IdentityPattern,
} from '../../../src/pad/identity.ts';
import { InvariantError } from '../../../src/base/errors.ts';

function identity(text: string): Identity {
  const parsed = parseIdentity(text);
  if (parsed === undefined) throw new InvariantError(`${text} is no identity`);
  return parsed;
}

function pattern(text: string): IdentityPattern {
  const parsed = parseIdentityPattern(text);
  if (parsed === undefined) throw new InvariantError(`${text} is no pattern`);
  return parsed;
}

test('the DER is that of RFC 5280: C as PrintableString, CN as UTF8String, one SET for each', () => {
  const { idType, data } = identity('C=DE, CN=gw');
  expect(idType).toBe(9);
  expect(Buffer.from(data).toString('hex')).toBe(`301a310b3009060355040613024445310b300906035504030c026777`);
});

test.each(['C=DE, O=Lab, CN=gw', 'CN=a\\, b\\+c', 'DC=org, DC=example', 'CN=a+UID=b, O=c', '1.2.3.4=x'])(
  'reads and shows %s',
  (text) => {
    expect(formatIdentity(identity(text))).toBe(text);
    expect(exactIdentity(pattern(text))).toEqual(identity(text));
  },
);

describe('matching', () => {
  test.each([
    ['C=DE, O=Lab, CN=gw', 'C=DE, O=Lab, CN=gw'],
    ['C=DE, O=Lab, CN=gw', 'c=de,o=LAB,cn=GW'],
    ['C=DE, O=Our Lab, CN=gw', 'C=DE, O=our   lab, CN=gw'],
    ['C=DE, O=Lab, CN=*', 'C=DE, O=Lab, CN=anything'],
    ['C=DE, O=*, CN=*', 'C=DE, O=Lab, CN=gw'],
  ])('%s is %s', (one, other) => {
    expect(matchesIdentity(pattern(one), identity(other))).toBe(true);
  });

  test.each([
    ['C=DE, O=Lab, CN=gw', 'C=DE, O=Lab, CN=gw2'],
    ['C=DE, O=Lab, CN=gw', 'O=Lab, C=DE, CN=gw'],
    ['C=DE, O=Lab, CN=*', 'C=DE, O=Lab'],
    ['C=DE, O=Lab, CN=*', 'C=DE, O=Lab, CN=gw, OU=x'],
    ['C=DE, O=Lab, CN=*', 'C=DE, O=Other, CN=gw'],
    // What a value holds is no separator.
    ['O=Lab, CN=gw', 'O=Lab\\, CN=gw'],
    ['CN=gw', 'gw'],
  ])('%s is not %s', (one, other) => {
    expect(matchesIdentity(pattern(one), identity(other))).toBe(false);
  });

  test('bytes that are no name are nobody', () => {
    for (const data of [[], [0x30], [0x30, 0x80], [0x30, 0x02, 0x31, 0x00], [0x30, 0x00]])
      expect(matchesIdentity(pattern('CN=*'), { idType: 9, data: Uint8Array.from(data) })).toBe(false);
  });
});
