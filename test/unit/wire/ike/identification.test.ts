import { bytes, describeFormat } from '../../../support/payload-format.ts';

const hostile = [
  ['an IPv4 address of 3 octets', '01 000000 cb0071', /ID_IPV4_ADDR has 3 bytes, not 4/],
  ['an IPv4 address of 5 octets', '01 000000 cb00710101', /ID_IPV4_ADDR has 5 bytes, not 4/],
  ['an IPv6 address of 4 octets', '05 000000 cb007101', /ID_IPV6_ADDR has 4 bytes, not 16/],
  ['half a header', '02 0000', /RESERVED needs 3 bytes, 2 are left/],
] as const;

describeFormat({
  body: '01 000000 cb007101',
  payload: { type: 'IDi', idType: 1, data: bytes('cb007101') },
  shortest: 8,
  hostile,
});
describeFormat({
  body: '02 000000 612e6578616d706c65',
  payload: { type: 'IDr', idType: 2, data: new TextEncoder().encode('a.example') },
  shortest: 4,
  hostile,
});
