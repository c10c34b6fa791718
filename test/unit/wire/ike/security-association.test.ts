import { expect, it } from 'vitest';
import { encodePayloads } from '../../../../src/wire/ike/message.ts';
import { bytes, decodeBody, describeFormat } from '../../../support/payload-format.ts';

const aesGcm = { type: 1, id: 20, keyBits: 256, hasUnknownAttribute: false };
const esn = { type: 5, id: 0, keyBits: undefined, hasUnknownAttribute: false };
const prf = { type: 2, id: 6, keyBits: undefined, hasUnknownAttribute: false };

describeFormat({
  // RFC 7296 §3.3: two proposals, ESP with two transforms and IKE with one.
  body: `02 00 0020 01 03 04 02 c0ffee01
           03 00 000c 01 00 0014 800e 0100
           00 00 0008 05 00 0000
         00 00 0018 02 01 08 01 1122334455667788
           00 00 0008 02 00 0006`,
  payload: {
    type: 'SA',
    proposals: [
      { number: 1, protocolId: 3, spi: bytes('c0ffee01'), transforms: [aesGcm, esn] },
      { number: 2, protocolId: 1, spi: bytes('1122334455667788'), transforms: [prf] },
    ],
  },
  shortest: 56,
  hostile: [
    ['no proposal', '', /Last Substruc needs 1 bytes, 0 are left/],
    ['a proposal of no length', '00 00 0000 01 01 00 00', /Proposal Length is 0, less than 8/],
    ['a proposal beyond the payload', '00 00 ffff 01 01 00 00', /proposal needs 65531 bytes, 4 are left/],
    ['a Last Substruc of 1', '01 00 0008 01 01 00 00', /Last Substruc is 1, not 0 or 2/],
    ['a last proposal that is not', '02 00 0008 01 01 00 00', /Last Substruc needs 1/],
    ['octets behind the last proposal', '00 00 0008 01 01 00 00 00', /1 bytes too many/],
    ['proposals in no order', '02 00 0008 01 01 00 00 00 00 0008 01 01 00 00', /Proposal Num 1 follows 1/],
    [
      'an SPI of 255 octets',
      '00 00 0008 01 63 ff 00',
      /proposal 1, byte 12: SPI needs 255 bytes, 0 are left/,
    ],
    ['an SPI of 4 octets for IKE', '00 00 000c 01 01 04 00 01020304', /SPI Size is 4 for IKE/],
    ['an SPI of 8 octets for ESP', '00 00 0010 01 03 08 00 0102030405060708', /SPI Size is 8 for ESP/],
    [
      '255 transforms that are not there',
      '00 00 0008 01 01 00 ff',
      /Last Substruc needs 1 bytes, 0 are left/,
    ],
    [
      'more transforms than announced',
      '00 00 0018 01 01 00 01 00 00 0008 01 00 0014 00 00 0008 01 00 0014',
      /8 bytes too many/,
    ],
    [
      'a last transform before the last',
      '00 00 0018 01 01 00 02 00 00 0008 01 00 0014 00 00 0008 01 00 0014',
      /Last Substruc is 0 in transform 1 of 2/,
    ],
    [
      'a transform of 7 octets',
      '00 00 0010 01 01 00 01 00 00 0007 01 00 0014',
      /Transform Length is 7, less than 8/,
    ],
    [
      'a transform beyond its proposal',
      '00 00 0010 01 01 00 01 00 00 0009 01 00 0014',
      /transform needs 5 bytes, 4 are left/,
    ],
    [
      'half an attribute',
      '00 00 0012 01 01 00 01 00 00 000a 01 00 0014 800e',
      /proposal 1, transform 1, byte \d+: Attribute Length or Value needs 2 bytes, 0 are left/,
    ],
    [
      'an attribute beyond its transform',
      '00 00 0014 01 01 00 01 00 00 000c 01 00 0014 0011 ffff',
      /Attribute Value needs 65535 bytes/,
    ],
  ],
});

it.each([
  ['of an unknown type', '800f 0100'],
  ['of an unknown type with a length', '0011 0002 abcd'],
  ['of the Key Length in the long form', '000e 0002 0100'],
])('RFC 7296 §3.3.6: a transform is marked for an attribute %s', (_what, attribute) => {
  const length = bytes(attribute).length;
  const hex = (value: number): string => value.toString(16).padStart(4, '0');
  const body = `00 00 ${hex(16 + length)} 01 01 00 01 00 00 ${hex(8 + length)} 01 00 0014 ${attribute}`;
  const payload = decodeBody('SA', bytes(body));
  expect(payload).toMatchObject({
    proposals: [{ transforms: [{ type: 1, id: 20, keyBits: undefined, hasUnknownAttribute: true }] }],
  });
  if (payload === undefined) throw new Error('there is one payload');
  expect(() => encodePayloads([payload])).toThrow('an unknown attribute cannot be sent');
});

it('does not choose between two key lengths', () => {
  const body = '00 00 0018 01 01 00 01 00 00 0010 01 00 0014 800e 0080 800e 0100';
  expect(decodeBody('SA', bytes(body))).toMatchObject({
    proposals: [{ transforms: [{ hasUnknownAttribute: true }] }],
  });
});

it('RFC 7296 §3.3.1: the one proposal of a response has the number that was offered', () => {
  const body = bytes('00 00 0008 07 01 00 00');
  expect(decodeBody('SA', body)).toMatchObject({ proposals: [{ number: 7 }] });
});

/** So many proposals for IKE with so many transforms each. */
function offer(proposals: number, transforms: number): string {
  const hex = (value: number, octets: number): string => value.toString(16).padStart(2 * octets, '0');
  const transform = (index: number): string => `${index === transforms ? '00' : '03'} 00 0008 02 00 0006`;
  const list = Array.from({ length: transforms }, (_, index) => transform(index + 1)).join(' ');
  return Array.from({ length: proposals }, (_, index) => {
    const last = index === proposals - 1 ? '00' : '02';
    return `${last} 00 ${hex(8 + 8 * transforms, 2)} ${hex(index + 1, 1)} 01 00 ${hex(transforms, 1)} ${list}`;
  }).join(' ');
}

it.each([
  [33, 1, /more than 32 proposals/],
  [2, 129, /more than 256 transforms/],
  [32, 9, /more than 256 transforms/],
])('stops at %i proposals of %i transforms', (proposals, transforms, problem) => {
  expect(() => decodeBody('SA', bytes(offer(proposals, transforms)))).toThrow(problem);
});

it.each([
  [32, 8],
  [2, 128],
])('reads %i proposals of %i transforms', (proposals, transforms) => {
  expect(decodeBody('SA', bytes(offer(proposals, transforms)))).toMatchObject({ type: 'SA' });
});
