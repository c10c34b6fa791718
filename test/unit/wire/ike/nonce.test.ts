import { expect, it } from 'vitest';
import { encodePayloads } from '../../../../src/wire/ike/message.ts';
import { bytes, describeFormat } from '../../../support/payload-format.ts';

const NONCE = '000102030405060708090a0b0c0d0e0f';

describeFormat({
  body: NONCE,
  payload: { type: 'NONCE', nonce: bytes(NONCE) },
  shortest: 16,
  hostile: [
    ['no octet', '', /the nonce has 0 bytes, not 16 to 256/],
    ['15 octets', NONCE.slice(2), /has 15 bytes/],
    ['257 octets', 'ab'.repeat(257), /has 257 bytes/],
  ],
});

it.each([0, 15, 257])('RFC 7296 §3.9: %i octets are not sent', (length) => {
  expect(() => encodePayloads([{ type: 'NONCE', nonce: new Uint8Array(length) }])).toThrow(/cannot be sent/);
});
