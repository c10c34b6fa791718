import { expect, it } from 'vitest';
import { encodePayloads } from '../../../../src/wire/ike/message.ts';
import { bytes, decodeBody, describeFormat } from '../../../support/payload-format.ts';

describeFormat({
  body: '03 04 4009 c0ffee01 abcd',
  payload: { type: 'N', protocolId: 3, spi: bytes('c0ffee01'), notifyType: 16393, data: bytes('abcd') },
  shortest: 8,
  hostile: [['an SPI of 255 octets', '03 ff 4009 c0ffee01', /SPI needs 255 bytes, 4 are left/]],
});

it('RFC 7296 §3.10: without an SPI the protocol is ignored, and sent as zero', () => {
  const payload = { type: 'N', protocolId: 0, spi: bytes(''), notifyType: 16384, data: bytes('') } as const;
  expect(decodeBody('N', bytes('01 00 4000'))).toEqual(payload);
  expect(encodePayloads([{ ...payload, protocolId: 1 }]).bytes).toEqual(bytes('00000008 00 00 4000'));
});
