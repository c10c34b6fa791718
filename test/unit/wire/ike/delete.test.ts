import { expect, it } from 'vitest';
import { encodePayloads } from '../../../../src/wire/ike/message.ts';
import { bytes, decodeBody, describeFormat } from '../../../support/payload-format.ts';

describeFormat({
  body: '03 04 0002 c0ffee01 c0ffee02',
  payload: { type: 'D', protocolId: 3, spiBytes: 4, spis: [bytes('c0ffee01'), bytes('c0ffee02')] },
  shortest: 12,
  hostile: [
    ['65535 SPIs that are not there', '03 04 ffff c0ffee01', /65535 SPIs of 4 bytes do not fill 4 bytes/],
    ['fewer SPIs than octets', '03 04 0001 c0ffee01 c0ffee02', /1 SPIs of 4 bytes do not fill 8 bytes/],
    ['an SPI of 8 octets for ESP', '03 08 0001 0102030405060708', /SPI Size is 8, not 4, for ESP/],
    ['an SPI for IKE', '01 08 0001 0102030405060708', /SPI Size is 8, not 0, for IKE/],
    ['SPIs of no octets for ESP', '03 00 ffff', /SPI Size is 0, not 4, for ESP/],
    ['octets without an SPI', '01 00 0000 00', /0 SPIs of 0 bytes do not fill 1 bytes/],
  ],
});

it('RFC 7296 §3.11: the IKE SA is deleted without an SPI, however many are announced', () => {
  const payload = { type: 'D', protocolId: 1, spiBytes: 0, spis: [] } as const;
  expect(decodeBody('D', bytes('01 00 0000'))).toEqual(payload);
  expect(decodeBody('D', bytes('01 00 ffff'))).toEqual(payload);
  expect(encodePayloads([payload]).bytes).toEqual(bytes('00000008 01 00 0000'));
});

it('does not write an SPI of another size', () => {
  const payload = { type: 'D', protocolId: 3, spiBytes: 4, spis: [bytes('01')] } as const;
  expect(() => encodePayloads([payload])).toThrow('an SPI has 1 bytes, not 4');
});
