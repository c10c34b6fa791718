import { bytes, describeFormat } from '../../../support/payload-format.ts';

describeFormat({
  body: '04 308201',
  payload: { type: 'CERT', encoding: 4, data: bytes('308201') },
  shortest: 1,
  hostile: [['no octet', '', /Cert Encoding needs 1 bytes, 0 are left/]],
});
