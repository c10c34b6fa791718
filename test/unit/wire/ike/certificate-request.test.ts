import { bytes, describeFormat } from '../../../support/payload-format.ts';

describeFormat({
  body: '04 000102030405060708090a0b0c0d0e0f10111213',
  payload: { type: 'CERTREQ', encoding: 4, data: bytes('000102030405060708090a0b0c0d0e0f10111213') },
  shortest: 1,
  hostile: [['no octet', '', /Cert Encoding needs 1 bytes, 0 are left/]],
});
