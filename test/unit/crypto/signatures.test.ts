import { describe, expect, test } from 'vitest';
import { KeyFormatError, type SignatureScheme } from '../../../src/crypto/ike-crypto.ts';
import { NOBLE, NODE, PROVIDERS } from '../../support/crypto-providers.ts';
import { readEcdsaVectors, readOracle, readSignatures } from '../../vectors/ike-vectors.ts';

const RSA = readSignatures('wycheproof-rsa');
const ECDSA = readSignatures('wycheproof-ecdsa');
const EDDSA = readSignatures('wycheproof-eddsa');

describe.each([
  { provider: NODE, file: RSA, kind: 'RSA' },
  ...PROVIDERS.map((provider) => ({ provider, file: ECDSA, kind: 'ECDSA' })),
  ...PROVIDERS.map((provider) => ({ provider, file: EDDSA, kind: 'Ed25519' })),
])('$provider.name $kind, Wycheproof', ({ provider, file }) => {
  test.each(file.tests)('$id', ({ scheme, key, message, signature, valid }) => {
    expect(provider.verify(scheme, file.keys[key]!, message, signature)).toBe(valid);
  });
});

describe.each(PROVIDERS)('$name', (provider) => {
  test.each(readEcdsaVectors())('RFC 4754 §8 $id', ({ method, publicKey, message, signature }) => {
    const hash = ({ 9: 2, 10: 3, 11: 4 } as const)[method as 9 | 10 | 11];
    const scheme: SignatureScheme = { algorithm: 'ecdsa', hash, form: 'raw' };
    expect(provider.verify(scheme, publicKey, message, signature)).toBe(true);
    expect(provider.verify(scheme, publicKey, Uint8Array.of(...message, 0), signature)).toBe(false);
    // The same numbers in the other form are no signature.
    expect(provider.verify({ ...scheme, form: 'der' }, publicKey, message, signature)).toBe(false);
  });

  test('a scheme for another kind of key, and what is no key, is refused and not false', () => {
    const [ec, ed] = [ECDSA.keys[0]!, EDDSA.keys[0]!];
    const ed25519: SignatureScheme = { algorithm: 'ed25519' };
    const ecdsa: SignatureScheme = { algorithm: 'ecdsa', hash: 2, form: 'der' };
    const message = Uint8Array.of(1);
    expect(() => provider.verify(ed25519, ec, message, message)).toThrow(KeyFormatError);
    expect(() => provider.verify(ecdsa, ed, message, message)).toThrow(KeyFormatError);
    expect(() => provider.verify(ecdsa, RSA.keys[0]!, message, message)).toThrow(KeyFormatError);
    expect(() => provider.verify(ecdsa, Uint8Array.of(0x30, 0), message, message)).toThrow(KeyFormatError);
    expect(() => provider.sign(ecdsa, ec, message)).toThrow(KeyFormatError);
  });

  test('a public key that is not on its curve is refused', () => {
    const { publicKey, message, signature } = readEcdsaVectors()[0]!;
    const changed = Uint8Array.from(publicKey);
    changed[changed.length - 1]! ^= 1;
    const scheme: SignatureScheme = { algorithm: 'ecdsa', hash: 2, form: 'raw' };
    expect(() => provider.verify(scheme, changed, message, signature)).toThrow(KeyFormatError);
  });
});

test('noble has no RSA, and says so', () => {
  const scheme: SignatureScheme = { algorithm: 'rsa-pkcs1', hash: 2 };
  const message = Uint8Array.of(1);
  const { privateKey } = readOracle().signatures[0]!;
  expect(NOBLE.hasSignature('rsa-pkcs1')).toBe(false);
  expect(NOBLE.hasSignature('rsa-pss')).toBe(false);
  expect(() => NOBLE.verify(scheme, RSA.keys[0]!, message, message)).toThrow(RangeError);
  expect(() => NOBLE.sign(scheme, privateKey, message)).toThrow(RangeError);
});

test('a salt that does not fit into the modulus makes no signature and verifies none', () => {
  const { privateKey, publicKey } = readOracle().signatures[0]!;
  const scheme: SignatureScheme = { algorithm: 'rsa-pss', hash: 4, saltBytes: 256 };
  const message = Uint8Array.of(1);
  expect(() => NODE.sign(scheme, privateKey, message)).toThrow(KeyFormatError);
  expect(NODE.verify(scheme, publicKey, message, new Uint8Array(256))).toBe(false);
});
