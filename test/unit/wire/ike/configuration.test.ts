import { expect, it } from 'vitest';
import { bytes, decodeBody, describeFormat } from '../../../support/payload-format.ts';

describeFormat({
  body: '01 000000 0001 0000 0003 0004 0a000001',
  payload: {
    type: 'CP',
    cfgType: 1,
    attributes: [
      { type: 1, value: bytes('') },
      { type: 3, value: bytes('0a000001') },
    ],
  },
  shortest: 4,
  hostile: [
    ['half an attribute', '01 000000 0001 00', /Length needs 2 bytes, 1 are left/],
    ['an attribute beyond the payload', '01 000000 0001 ffff 00', /Value needs 65535 bytes, 1 are left/],
  ],
});

it('RFC 7296 §3.15.1: the reserved bit is ignored', () => {
  expect(decodeBody('CP', bytes('02 000000 8001 0000'))).toMatchObject({ attributes: [{ type: 1 }] });
});
