import { describe, expect, test } from 'vitest';
import type { IkeCipher, IkeCipherKeys } from '../../../src/crypto/ike-crypto.ts';
import { cipherOf, IKE_CIPHERS, PROVIDERS } from '../../support/crypto-providers.ts';
import { Random } from '../../support/random.ts';
import { readIkePackets, readOracle, readStrongswan } from '../../vectors/ike-vectors.ts';

const HEADER = Uint8Array.from({ length: 32 }, (_, i) => i);
const random = new Random(5282);

const IKE_HEADER_BYTES = 28;
const NEXT_PAYLOAD = 16;
const FLAGS = 19;
/** In front of the IV: SK (RFC 7296 §3.14) has its generic header, SKF (RFC 7383 §2.5) also number and total. */
const SK_FIXED_BYTES: Readonly<Record<number, number>> = { 46: 4, 53: 8 };
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

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

  test('what strongSwan encrypts is read', () => {
    const { associations, messages } = readStrongswan();
    const cipher = cipherOf(provider, 20, 256, 0);
    let opened = 0;
    for (const datagram of messages.flatMap(({ datagrams }) => datagrams)) {
      const fixedBytes = SK_FIXED_BYTES[datagram[NEXT_PAYLOAD]!];
      if (fixedBytes === undefined) continue;
      const association = associations.find(
        ({ initiatorSpi }) => initiatorSpi === hexOf(datagram.subarray(0, 8)),
      );
      const fromInitiator = (datagram[FLAGS]! & 0x08) !== 0;
      const encryption = fromInitiator ? association?.initiatorKey : association?.responderKey;
      const keys = { encryption: encryption ?? new Uint8Array(36), integrity: new Uint8Array(0) };
      const header = datagram.subarray(0, IKE_HEADER_BYTES + fixedBytes);
      expect(cipher.decrypt(keys, header, datagram.subarray(header.length))).toBeDefined();
      opened++;
    }
    expect(opened).toBeGreaterThan(10);
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
