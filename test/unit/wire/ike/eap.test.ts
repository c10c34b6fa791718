import { bytes, describeFormat } from '../../../support/payload-format.ts';

describeFormat({
  body: '01 2a 0009 01 61626364',
  payload: { type: 'EAP', data: bytes('01 2a 0009 01 61626364') },
  shortest: 9,
  hostile: [
    ['3 octets', '01 2a 00', /an EAP message of 3 bytes is too short/],
    ['a length beyond the payload', '01 2a ffff 01', /the EAP Length is 65535 in 5 bytes/],
    ['a length before the end', '01 2a 0004 01', /the EAP Length is 4 in 5 bytes/],
  ],
});
