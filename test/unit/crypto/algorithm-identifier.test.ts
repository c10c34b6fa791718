import { describe, expect, test } from 'vitest';
import {
  decodeAlgorithmIdentifier,
  encodeAlgorithmIdentifier,
} from '../../../src/crypto/algorithm-identifier.ts';
import type { SignatureScheme } from '../../../src/crypto/ike-crypto.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

/** RFC 7427 Appendix A and RFC 8420 Appendix A. */
const PRINTED: readonly (readonly [string, SignatureScheme])[] = [
  ['300d0609 2a864886 f70d0101 050500', { algorithm: 'rsa-pkcs1', hash: 1 }],
  ['300d0609 2a864886 f70d0101 0b0500', { algorithm: 'rsa-pkcs1', hash: 2 }],
  ['300d0609 2a864886 f70d0101 0c0500', { algorithm: 'rsa-pkcs1', hash: 3 }],
  ['300d0609 2a864886 f70d0101 0d0500', { algorithm: 'rsa-pkcs1', hash: 4 }],
  ['3009 0607 2a8648ce 3d0401', { algorithm: 'ecdsa', hash: 1, form: 'der' }],
  ['300a 0608 2a8648ce 3d040302', { algorithm: 'ecdsa', hash: 2, form: 'der' }],
  ['300a 0608 2a8648ce 3d040303', { algorithm: 'ecdsa', hash: 3, form: 'der' }],
  ['300a 0608 2a8648ce 3d040304', { algorithm: 'ecdsa', hash: 4, form: 'der' }],
  [
    '3041 0609 2a864886 f70d0101 0a 3034 a00f 300d 0609 60864801 65030402 01 0500' +
      'a11c 301a 0609 2a864886 f70d0101 08 300d 0609 60864801 65030402 01 0500 a203 0201 20',
    { algorithm: 'rsa-pss', hash: 2, saltBytes: 32 },
  ],
  ['3005 0603 2b6570', { algorithm: 'ed25519' }],
];

test.each(PRINTED)('%s', (hex, scheme) => {
  expect(Buffer.from(encodeAlgorithmIdentifier(scheme))).toEqual(Buffer.from(bytes(hex)));
  expect(decodeAlgorithmIdentifier(bytes(hex))).toEqual(scheme);
});

test('RFC 7427 Appendix A.4.1: RSASSA-PSS with empty parameters is SHA-1, salt of 20', () => {
  expect(decodeAlgorithmIdentifier(bytes('300d 0609 2a864886 f70d0101 0a 3000'))).toEqual({
    algorithm: 'rsa-pss',
    hash: 1,
    saltBytes: 20,
  });
});

test('salts of all lengths come back', () => {
  for (const saltBytes of [0, 20, 48, 127, 128, 222, 256, 2048]) {
    const scheme = { algorithm: 'rsa-pss', hash: 4, saltBytes } as const;
    expect(decodeAlgorithmIdentifier(encodeAlgorithmIdentifier(scheme))).toEqual(scheme);
  }
});

test('RFC 4055 §2.1, §5: NULL parameters may be absent', () => {
  expect(decodeAlgorithmIdentifier(bytes('300b 0609 2a864886 f70d0101 0b'))).toEqual({
    algorithm: 'rsa-pkcs1',
    hash: 2,
  });
});

const SHA256 = '300d 0609 60864801 65030402 01 0500';
const SHA512 = '300d 0609 60864801 65030402 03 0500';
const mgf1 = (hash: string): string => `301a 0609 2a864886 f70d0101 08 ${hash}`;
const pss = (parameters: string): string => {
  const length = (hex: string): string => (hex.replaceAll(' ', '').length / 2).toString(16).padStart(2, '0');
  const inner = `0609 2a864886 f70d0101 0a 30 ${length(parameters)} ${parameters}`;
  return `30 ${length(inner)} ${inner}`;
};

describe('refused', () => {
  test('the form that the cases below change is good', () => {
    const good = pss(`a00f ${SHA256} a11c ${mgf1(SHA256)} a203 0201 20 a303 0201 01`);
    expect(decodeAlgorithmIdentifier(bytes(good))).toEqual({ algorithm: 'rsa-pss', hash: 2, saltBytes: 32 });
  });

  test.each([
    ['nothing', ''],
    ['not a sequence', '0603 2b6570'],
    ['an empty sequence', '3000'],
    ['more behind it', '3005 0603 2b6570 00'],
    ['cut short', '3005 0603 2b65'],
    ['an unknown algorithm', '3005 0603 2b6571'],
    ['parameters of Ed25519', '3007 0603 2b6570 0500'],
    ['parameters of ECDSA', '300c 0608 2a8648ce 3d040302 0500'],
    ['other parameters of RSA', '300e 0609 2a864886 f70d0101 0b 0201 00'],
    ['a NULL that is not empty', '300e 0609 2a864886 f70d0101 0b 0501 00'],
    ['RSASSA-PSS without parameters', '300b 0609 2a864886 f70d0101 0a'],
    ['a length in too many octets', '308105 0603 2b6570'],
    ['an indefinite length', '3080 0603 2b6570 0000'],
    ['a length beyond any memory', '3084ffffffff 0603 2b6570'],
    ['two hashes that differ', pss(`a00f ${SHA256} a11c ${mgf1(SHA512)} a203 0201 20`)],
    ['a mask generation function of SHA-1 by default', pss(`a00f ${SHA256} a203 0201 20`)],
    ['fields out of order', pss(`a11c ${mgf1(SHA256)} a00f ${SHA256} a203 0201 20`)],
    ['a field twice', pss(`a00f ${SHA256} a11c ${mgf1(SHA256)} a203 0201 20 a203 0201 21`)],
    ['another trailer', pss(`a00f ${SHA256} a11c ${mgf1(SHA256)} a203 0201 20 a303 0201 02`)],
    ['a negative salt', pss(`a00f ${SHA256} a11c ${mgf1(SHA256)} a203 0201 80`)],
    ['a salt longer than any key', pss(`a00f ${SHA256} a11c ${mgf1(SHA256)} a205 0203 100000`)],
    ['an unknown field', pss(`a00f ${SHA256} a11c ${mgf1(SHA256)} a403 0201 20`)],
  ])('%s', (_what, hex) => {
    expect(decodeAlgorithmIdentifier(bytes(hex))).toBeUndefined();
  });
});
