import { expect, test } from 'vitest';
import { paddedBytes, padInner, unpadInner } from '../../../src/crypto/ike-padding.ts';

test('the last octet is the number of padding octets in front of it', () => {
  expect(padInner(Uint8Array.of(7, 7), 1)).toEqual(Uint8Array.of(7, 7, 0));
  expect(padInner(Uint8Array.of(7, 7), 4)).toEqual(Uint8Array.of(7, 7, 0, 1));
  expect(padInner(new Uint8Array(0), 4)).toEqual(Uint8Array.of(0, 0, 0, 3));
  expect(padInner(new Uint8Array(15), 16)).toHaveLength(16);
  expect(padInner(new Uint8Array(16), 16)).toHaveLength(32);
  expect(paddedBytes(16, 16)).toBe(32);
});

test('RFC 7296 §3.14: padding of any content and length is taken away', () => {
  expect(unpadInner(Uint8Array.of(7, 7, 1, 2, 3, 3))).toEqual(Uint8Array.of(7, 7));
  expect(unpadInner(new Uint8Array(300).fill(255))).toEqual(new Uint8Array(44).fill(255));
  expect(unpadInner(Uint8Array.of(0))).toEqual(new Uint8Array(0));
  expect(unpadInner(Uint8Array.of(9, 1))).toEqual(new Uint8Array(0));
});

test('a pad length that is more than there is', () => {
  expect(unpadInner(new Uint8Array(0))).toBeUndefined();
  expect(unpadInner(Uint8Array.of(1))).toBeUndefined();
  expect(unpadInner(Uint8Array.of(9, 9, 3))).toBeUndefined();
});
