import { describe, expect, test } from 'vitest';
import { prfPlus } from '../../../src/crypto/ike-crypto.ts';
import { PRF_IDS, PROVIDERS, prfOf } from '../../support/crypto-providers.ts';
import { readHmacVectors } from '../../vectors/ike-vectors.ts';

const HASHES = ['sha256', 'sha384', 'sha512'] as const;

describe.each(PROVIDERS)('$name', (provider) => {
  test.each(readHmacVectors())('HMAC, RFC 4231 §4 $id', ({ key, data, ...expected }) => {
    for (const [index, hash] of HASHES.entries()) {
      const prf = prfOf(provider, 5 + index);
      expect(prf.compute(key, data)).toEqual(expected[hash]);
      // In parts it is the same.
      expect(prf.compute(key, data.subarray(0, 7), data.subarray(7))).toEqual(expected[hash]);
    }
  });

  test('lengths are those of the hash', () => {
    const prfs = PRF_IDS.map((id) => prfOf(provider, id));
    expect(prfs.map(({ name }) => name)).toEqual(['prfsha256', 'prfsha384', 'prfsha512']);
    expect(prfs.map(({ outputBytes }) => outputBytes)).toEqual([32, 48, 64]);
    expect(prfs.map(({ keyBytes }) => keyBytes)).toEqual([32, 48, 64]);
  });

  test('HMAC-SHA-1 and unknown PRFs are not there', () => {
    expect([0, 1, 2, 4, 8].map((id) => provider.prf(id))).toEqual(Array(5).fill(undefined));
  });

  test('prf+ is T1 | T2 | … with a counter octet, cut to length', () => {
    const prf = prfOf(provider, 5);
    const key = Uint8Array.of(1, 2, 3);
    const seed = Uint8Array.of(9, 8, 7);
    const t1 = prf.compute(key, Uint8Array.of(9, 8, 7, 1));
    const t2 = prf.compute(key, t1, Uint8Array.of(9, 8, 7, 2));
    const t3 = prf.compute(key, t2, Uint8Array.of(9, 8, 7, 3));
    const whole = Uint8Array.of(...t1, ...t2, ...t3);
    for (const length of [0, 1, 31, 32, 33, 64, 95, 96]) {
      expect(prfPlus(prf, key, seed, length)).toEqual(whole.slice(0, length));
    }
  });

  test('prf+ ends after 255 rounds', () => {
    const prf = prfOf(provider, 5);
    const key = new Uint8Array(32);
    expect(prfPlus(prf, key, key, 255 * 32)).toHaveLength(255 * 32);
    expect(() => prfPlus(prf, key, key, 255 * 32 + 1)).toThrow(RangeError);
  });
});
