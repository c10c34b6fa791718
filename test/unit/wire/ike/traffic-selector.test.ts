import { expect, it } from 'vitest';
import { encodePayloads } from '../../../../src/wire/ike/message.ts';
import { bytes, decodeBody, describeFormat } from '../../../support/payload-format.ts';

const ipv4 = (hexadecimal: string) => ({ family: 4, bytes: bytes(hexadecimal) }) as const;
const ipv6 = (hexadecimal: string) => ({ family: 6, bytes: bytes(hexadecimal) }) as const;
const FIRST_IPV6 = 'fd000001000000000000000000000000';
const LAST_IPV6 = 'fd00000100000000ffffffffffffffff';

const body = `02 000000
  07 06 0010 0050 0051 0a000100 0a0001ff
  08 00 0028 0000 ffff ${FIRST_IPV6} ${LAST_IPV6}`;
const selectors = [
  { protocol: 6, startPort: 80, endPort: 81, first: ipv4('0a000100'), last: ipv4('0a0001ff') },
  { protocol: 0, startPort: 0, endPort: 65_535, first: ipv6(FIRST_IPV6), last: ipv6(LAST_IPV6) },
];
const hostile = [
  ['no selector', '00 000000', /Number of TSs is 0/],
  ['255 selectors that are not there', 'ff 000000', /TS Type needs 1 bytes, 0 are left/],
  [
    'more selectors than announced',
    `01 000000 ${'07 00 0010 0000 ffff 0a000100 0a0001ff'.repeat(2)}`,
    /16 bytes too many/,
  ],
  ['a selector of no length', '01 000000 07 00 0000', /Selector Length is 0, less than 4/],
  ['a selector beyond the payload', '01 000000 07 00 ffff', /selector needs 65531 bytes, 0 are left/],
  [
    'an IPv4 selector of 15 octets',
    '01 000000 07 00 000f 0000 ffff 0a000100 0a0001',
    /Ending Address needs 4 bytes, 3/,
  ],
  [
    'an IPv4 selector of 17 octets',
    '01 000000 07 00 0011 0000 ffff 0a000100 0a0001ff 00',
    /selector 1, .*1 bytes too many/,
  ],
  [
    'an IPv6 selector with IPv4 addresses',
    '01 000000 08 00 0010 0000 ffff 0a000100 0a0001ff',
    /Starting Address needs 16 bytes/,
  ],
  [
    'addresses from high to low',
    '01 000000 07 00 0010 0000 ffff 0a000101 0a000100',
    /Starting Address is above Ending Address/,
  ],
  [
    'ports from high to low',
    '01 000000 07 06 0010 0051 0050 0a000100 0a0001ff',
    /ports 81 to 80 are no range/,
  ],
] as const;

describeFormat({ body, payload: { type: 'TSi', selectors }, shortest: 60, hostile });
describeFormat({ body, payload: { type: 'TSr', selectors }, shortest: 60, hostile });

it('RFC 7296 §3.13.1: OPAQUE ports are the one range from high to low', () => {
  const opaque = bytes('01 000000 07 06 0010 ffff 0000 0a000100 0a0001ff');
  expect(decodeBody('TSi', opaque)).toMatchObject({ selectors: [{ startPort: 65_535, endPort: 0 }] });
});

it('keeps selectors of unknown types apart, and writes them again', () => {
  const known = '07 00 0010 0000 ffff 0a000100 0a0001ff';
  const unknown = '0a 00 0007 616263';
  const payload = decodeBody('TSr', bytes(`03 000000 ${unknown} ${known} ${unknown}`));
  const other = { selectorType: 10, protocol: 0, body: bytes('616263') };
  expect(payload).toMatchObject({ selectors: [{ protocol: 0 }], unknownSelectors: [other, other] });
  if (payload === undefined) throw new Error('there is one payload');
  const written = Buffer.from(encodePayloads([payload]).bytes.subarray(4)).toString('hex');
  expect(written).toBe(Buffer.from(bytes(`03 000000 ${known} ${unknown} ${unknown}`)).toString('hex'));
});

it.each([
  ['none', []],
  ['256', Array.from({ length: 256 }, () => selectors[0]!)],
  ['one of two families', [{ ...selectors[0]!, last: ipv6(LAST_IPV6) }]],
])('does not write %s', (_what, list) => {
  expect(() => encodePayloads([{ type: 'TSi', selectors: list }])).toThrow(
    /cannot be sent|can be written|families/,
  );
});
