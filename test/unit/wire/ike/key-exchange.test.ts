import { bytes, describeFormat } from '../../../support/payload-format.ts';

describeFormat({
  body: '0013 0000 0102030405',
  payload: { type: 'KE', group: 19, publicValue: bytes('0102030405') },
  shortest: 4,
  hostile: [['half a header', '001300', /RESERVED needs 2 bytes, 1 are left/]],
});
