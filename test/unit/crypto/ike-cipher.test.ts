import { describe, expect, test } from 'vitest';
import type { IkeCipher, IkeCipherKeys } from '../../../src/crypto/ike-crypto.ts';
import { cipherOf, IKE_CIPHERS, PROVIDERS } from '../../support/crypto-providers.ts';
import { Random } from '../../support/random.ts';
import { readIkePackets, readOracle } from '../../vectors/ike-vectors.ts';

const HEADER = Uint8Array.from({ length: 32 }, (_, i) => i);
const random = new Random(5282);

const randomKeys = (cipher: IkeCipher): IkeCipherKeys => ({
  encryption: random.bytes(cipher.keyBytes),
  integrity: random.bytes(cipher.integrityKeyBytes),
});

describe.each(PROVIDERS)('$name', (provider) => {
  test.each(readIkePackets())('RFC 7634 Appendix B', ({ keyMaterial, iv, header, inner, body }) => {
    const cipher = cipherOf(provider, 28, undefined, 0);
    const keys = { encryption: keyMaterial, integrity: new Uint8Array(0) };
    expect(cipher.encrypt(keys, iv, header, inner)).toEqual(body);
    expect(cipher.decrypt(keys, header, body)).toEqual(inner);
  });

  test('what python3-cryptography encrypts is read, and what it pads as little as can be is written', () => {
    const vectors = readOracle().skPayloads;
    expect(vectors).toHaveLength(4 + 36);
    for (const vector of vectors) {
      const cipher = cipherOf(provider, vector.encryptionId, vector.keyBits, vector.integrityId);
      const keys = { encryption: vector.encryptionKey, integrity: vector.integrityKey };
      expect(cipher.decrypt(keys, vector.header, vector.body)).toEqual(vector.inner);
      if (!vector.leastPadding) continue;
      expect(cipher.encrypt(keys, vector.iv, vector.header, vector.inner)).toEqual(vector.body);
      expect(cipher.bodyBytes(vector.inner.length)).toBe(vector.body.length);
    }
  });

  describe.each(IKE_CIPHERS)('cipher %i %s %i', (...transform) => {
    const cipher = cipherOf(provider, ...transform);
    const keys = randomKeys(cipher);
    const iv = random.bytes(cipher.ivBytes);

    test('round trip, with the length that was foretold', () => {
      for (const length of [0, 1, 14, 15, 16, 17, 31, 32, 1000]) {
        const inner = Uint8Array.from(random.bytes(length));
        const body = cipher.encrypt(keys, iv, HEADER, inner);
        expect(body).toHaveLength(cipher.bodyBytes(length));
        expect(cipher.decrypt(keys, HEADER, body)).toEqual(inner);
      }
    });

    test('a changed bit anywhere in header or body, and a body cut short, is not authentic', () => {
      const body = cipher.encrypt(keys, iv, HEADER, random.bytes(20));
      for (let i = 0; i < body.length; i++) {
        const changed = Uint8Array.from(body);
        changed[i]! ^= 1 << (i % 8);
        expect(cipher.decrypt(keys, HEADER, changed)).toBeUndefined();
        expect(cipher.decrypt(keys, HEADER, body.subarray(0, i))).toBeUndefined();
        expect(cipher.decrypt(keys, HEADER, body.subarray(i + 1))).toBeUndefined();
      }
      for (let i = 0; i < HEADER.length; i++) {
        const changed = Uint8Array.from(HEADER);
        changed[i]! ^= 1;
        expect(cipher.decrypt(keys, changed, body)).toBeUndefined();
      }
      expect(cipher.decrypt(keys, HEADER, Uint8Array.of(...body, 0))).toBeUndefined();
    });

    test('other keys do not open it', () => {
      const body = cipher.encrypt(keys, iv, HEADER, random.bytes(20));
      expect(cipher.decrypt(randomKeys(cipher), HEADER, body)).toBeUndefined();
    });

    test('keys and IVs of other lengths are a defect of the caller', () => {
      const short = { ...keys, encryption: keys.encryption.subarray(1) };
      expect(() => cipher.encrypt(short, iv, HEADER, HEADER)).toThrow(RangeError);
      expect(() => cipher.encrypt(keys, iv.subarray(1), HEADER, HEADER)).toThrow(RangeError);
      expect(() => cipher.decrypt(short, HEADER, new Uint8Array(200))).toThrow(RangeError);
      const noIntegrity = { ...keys, integrity: new Uint8Array(1) };
      if (cipher.integrityKeyBytes > 0) {
        expect(() => cipher.encrypt(noIntegrity, iv, HEADER, HEADER)).toThrow(RangeError);
      }
    });
  });

  test('RFC 5282 §7.1, RFC 7634 §2: the salt is part of the key', () => {
    expect(IKE_CIPHERS.slice(0, 4).map((cipher) => cipherOf(provider, ...cipher).keyBytes)).toEqual([
      20, 28, 36, 36,
    ]);
  });

  test('RFC 4868 §2.1: lengths of integrity keys and ICVs', () => {
    const lengths = [12, 13, 14].map((integrity) => {
      const { integrityKeyBytes, icvBytes } = cipherOf(provider, 12, 256, integrity);
      return [integrityKeyBytes, icvBytes];
    });
    expect(lengths).toEqual([
      [32, 16],
      [48, 24],
      [64, 32],
    ]);
  });

  test.each([
    [20, undefined, 0],
    [20, 512, 0],
    [20, 256, 12],
    [28, 256, 0],
    [28, undefined, 12],
    [12, 256, 0],
    [12, undefined, 12],
    [12, 64, 12],
    [12, 256, 2],
    [3, undefined, 12],
    [18, 256, 0],
    [11, undefined, 12],
  ])('there is no cipher %i %s %i', (encryption, bits, integrity) => {
    expect(provider.ikeCipher(encryption, bits, integrity)).toBeUndefined();
  });
});
