import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { KeyFormatError } from '../../../src/crypto/ike-crypto.ts';
import { readPrivateKey, readPublicKey } from '../../../src/crypto/signature-key.ts';
import { derKeys } from '../../support/der-keys.ts';
import { Random } from '../../support/random.ts';

const EC = [
  ['prime256v1', 'P-256', 32],
  ['secp384r1', 'P-384', 48],
  ['secp521r1', 'P-521', 66],
] as const;

describe('keys of OpenSSL', () => {
  test.each([1024, 2047, 2048, 3072])('RSA, %i bits', (modulusLength) => {
    const { publicKey, privateKey } = derKeys(generateKeyPairSync('rsa', { modulusLength }));
    expect(readPublicKey(publicKey)).toEqual({ kind: 'rsa', modulusBits: modulusLength, pssOnly: false });
    expect(readPrivateKey(privateKey)).toEqual({ kind: 'rsa', pssOnly: false });
  });

  test.each(EC)('%s', (namedCurve, curve, size) => {
    const { publicKey, privateKey } = derKeys(generateKeyPairSync('ec', { namedCurve }));
    const point = readPublicKey(publicKey);
    expect(point).toMatchObject({ kind: 'ecdsa', curve });
    expect(point).toHaveProperty('point.length', 1 + 2 * size);
    expect(readPrivateKey(privateKey)).toMatchObject({ kind: 'ecdsa', curve });
    expect(readPrivateKey(privateKey)).toHaveProperty('scalar.length', size);
  });

  test('Ed25519', () => {
    const { publicKey, privateKey } = derKeys(generateKeyPairSync('ed25519'));
    expect(readPublicKey(publicKey)).toHaveProperty('publicKey.length', 32);
    expect(readPrivateKey(privateKey)).toHaveProperty('seed.length', 32);
  });

  test('parameters written out, other curves and other kinds are refused', () => {
    const explicit = derKeys(
      generateKeyPairSync('ec', {
        namedCurve: 'prime256v1',
        paramEncoding: 'explicit',
      }),
    );
    const koblitz = derKeys(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }));
    const x25519 = derKeys(generateKeyPairSync('x25519'));
    const ed448 = derKeys(generateKeyPairSync('ed448'));
    for (const { publicKey, privateKey } of [explicit, koblitz, x25519, ed448]) {
      expect(() => readPublicKey(publicKey)).toThrow(KeyFormatError);
      expect(() => readPrivateKey(privateKey)).toThrow(KeyFormatError);
    }
  });
});

test('whatever is changed or cut off, it is a key or a KeyFormatError', () => {
  const random = new Random(7427);
  const pairs = [
    derKeys(generateKeyPairSync('rsa', { modulusLength: 1024 })),
    derKeys(generateKeyPairSync('ec', { namedCurve: 'secp384r1' })),
    derKeys(generateKeyPairSync('ed25519')),
  ];
  for (const { publicKey, privateKey } of pairs) {
    for (const [read, key] of [
      [readPublicKey, publicKey],
      [readPrivateKey, privateKey],
    ] as const) {
      for (let i = 0; i < key.length; i++) expectKeyOrRefusal(() => read(key.subarray(0, i)), true);
      for (let i = 0; i < 2000; i++) {
        const changed = Uint8Array.from(key);
        changed[random.below(changed.length)] = random.below(256);
        changed[random.below(Math.min(40, changed.length))] = random.below(256);
        expectKeyOrRefusal(() => read(changed), false);
      }
    }
  }
});

function expectKeyOrRefusal(read: () => unknown, mustRefuse: boolean): void {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(KeyFormatError);
    return;
  }
  expect(mustRefuse).toBe(false);
}
