import { bytes, describeFormat } from '../../../support/payload-format.ts';

describeFormat({
  body: '0e 000000 deadbeef',
  payload: { type: 'AUTH', method: 14, data: bytes('deadbeef') },
  shortest: 4,
  hostile: [['half a header', '0e 00', /RESERVED needs 3 bytes, 1 are left/]],
});
