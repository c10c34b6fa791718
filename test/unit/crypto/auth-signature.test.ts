import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  type AuthScheme,
  chooseAuthScheme,
  SignatureMethod,
  signAuth,
  verifyAuth,
} from '../../../src/crypto/auth-signature.ts';
import { readPrivateKey, readPublicKey } from '../../../src/crypto/signature-key.ts';
import { NOBLE, NODE, PROVIDERS } from '../../support/crypto-providers.ts';
import { derKeys } from '../../support/der-keys.ts';
import { type AuthVector, readEcdsaVectors, readOracle } from '../../vectors/ike-vectors.ts';

const DIGITAL = SignatureMethod.DIGITAL_SIGNATURE;
const ORACLE = readOracle().signatures;
const NEW = ORACLE.filter(({ identifier }) => identifier.length > 0);
const OLD_RSA = ORACLE.find(({ id }) => id === 'method 1')!;
const oracle = (id: string): AuthVector => ORACLE.find((vector) => vector.id === id)!;
const isRsa = (id: string): boolean => id.startsWith('rsa') || id.startsWith('pss');
const providersFor = (id: string): readonly (typeof NODE)[] => (isRsa(id) ? [NODE] : PROVIDERS);

describe('RFC 7427 §3', () => {
  test.each(NEW)('$id by python3-cryptography is authentic', ({ id, publicKey, octets, authData }) => {
    for (const provider of providersFor(id)) {
      expect(verifyAuth(provider, DIGITAL, publicKey, octets, authData)).toBe('authentic');
      expect(verifyAuth(provider, DIGITAL, publicKey, octets.subarray(1), authData)).toBe('wrong-signature');
      const changed = Uint8Array.from(authData);
      changed[changed.length - 1]! ^= 1;
      expect(verifyAuth(provider, DIGITAL, publicKey, octets, changed)).toBe('wrong-signature');
    }
  });

  test.each(NEW)('$id: own signatures stand behind the identifier that Appendix A prints', (vector) => {
    const { id, identifier, privateKey, publicKey, octets } = vector;
    for (const provider of providersFor(id)) {
      const hashes = id.includes('ed25519') ? [5] : [{ 256: 2, 384: 3, 512: 4 }[id.split(' ')[1]!]!];
      const padding = id.startsWith('pss') ? 'pss' : 'pkcs1';
      const auth = chooseAuthScheme(readPrivateKey(privateKey), hashes, padding)!;
      const data = signAuth(provider, auth, privateKey, octets);
      expect(auth.method).toBe(DIGITAL);
      expect(data.subarray(0, 1 + identifier.length)).toEqual(
        Uint8Array.of(identifier.length, ...identifier),
      );
      for (const other of providersFor(id)) {
        expect(verifyAuth(other, DIGITAL, publicKey, octets, data)).toBe('authentic');
      }
    }
  });

  test('an identifier that is cut short, unknown, or longer than the data', () => {
    const { publicKey, octets, authData } = oracle('ecdsa 256 secp256r1');
    const verdict = (data: Uint8Array): string => verifyAuth(NODE, DIGITAL, publicKey, octets, data);
    expect(verdict(new Uint8Array(0))).toBe('unknown-algorithm');
    expect(verdict(authData.subarray(0, 5))).toBe('unknown-algorithm');
    expect(verdict(Uint8Array.of(255, ...authData.subarray(1)))).toBe('unknown-algorithm');
    expect(verdict(Uint8Array.of(0, ...authData))).toBe('unknown-algorithm');
    const otherOid = Uint8Array.from(authData);
    otherOid[12] = 9;
    expect(verdict(otherOid)).toBe('unknown-algorithm');
  });

  test('a key of another kind than the identifier says', () => {
    const { octets, authData } = oracle('ecdsa 256 secp256r1');
    expect(verifyAuth(NODE, DIGITAL, oracle('ed25519').publicKey, octets, authData)).toBe('wrong-key');
    expect(verifyAuth(NODE, DIGITAL, Uint8Array.of(1, 2), octets, authData)).toBe('wrong-key');
  });

  test('a provider without RSA does not take it for wrong', () => {
    const { publicKey, octets, authData } = oracle('rsa 256');
    expect(verifyAuth(NOBLE, DIGITAL, publicKey, octets, authData)).toBe('unknown-algorithm');
  });
});

describe('RFC 8247 §4.1.2: SHA-1', () => {
  const sha1Identifier = Uint8Array.from(Buffer.from('300d06092a864886f70d0101050500', 'hex'));

  test('method 1 with SHA-1 is authentic only where that is allowed', () => {
    const { publicKey, octets, authData } = OLD_RSA;
    expect(verifyAuth(NODE, 1, publicKey, octets, authData)).toBe('weak-hash');
    expect(verifyAuth(NODE, 1, publicKey, octets, authData, { allowRsaSha1: true })).toBe('authentic');
    const wrong = octets.subarray(1);
    expect(verifyAuth(NODE, 1, publicKey, wrong, authData, { allowRsaSha1: true })).toBe('wrong-signature');
  });

  test('in a digital signature it is never allowed', () => {
    const { publicKey, octets, authData } = OLD_RSA;
    const sha1 = authData;
    const data = Uint8Array.of(sha1Identifier.length, ...sha1Identifier, ...sha1);
    expect(verifyAuth(NODE, DIGITAL, publicKey, octets, data, { allowRsaSha1: true })).toBe('weak-hash');
  });

  test('nothing is signed with it', () => {
    const auth: AuthScheme = { method: 1, scheme: { algorithm: 'rsa-pkcs1', hash: 1 } };
    expect(() => signAuth(NODE, auth, OLD_RSA.privateKey, OLD_RSA.octets)).toThrow(RangeError);
  });

  test('RFC 7296 §3.8: method 1 with a hash of SHA-2 is authentic', () => {
    for (const id of ['rsa 256', 'rsa 384', 'rsa 512']) {
      const { publicKey, octets, authData, identifier } = oracle(id);
      const signature = authData.subarray(1 + identifier.length);
      expect(verifyAuth(NODE, 1, publicKey, octets, signature)).toBe('authentic');
    }
  });
});

describe('RFC 4754', () => {
  test.each(readEcdsaVectors())('§8 $id, method $method', ({ method, publicKey, message, signature }) => {
    for (const provider of PROVIDERS) {
      expect(verifyAuth(provider, method, publicKey, message, signature)).toBe('authentic');
      for (const other of [9, 10, 11].filter((candidate) => candidate !== method)) {
        expect(verifyAuth(provider, other, publicKey, message, signature)).toBe('wrong-key');
      }
    }
  });

  test.each([
    ['secp256r1', 9, 64],
    ['secp384r1', 10, 96],
    ['secp521r1', 11, 132],
  ])('%s signs with method %i, %i octets', (curve, method, length) => {
    const { privateKey, publicKey, octets } = oracle(`ecdsa 256 ${curve}`);
    const auth = chooseAuthScheme(readPrivateKey(privateKey), undefined)!;
    expect(auth.method).toBe(method);
    for (const [signer, verifier] of [
      [NODE, NOBLE],
      [NOBLE, NODE],
    ] as const) {
      const data = signAuth(signer, auth, privateKey, octets);
      expect(data).toHaveLength(length);
      expect(verifyAuth(verifier, method, publicKey, octets, data)).toBe('authentic');
    }
  });
});

describe('chooseAuthScheme', () => {
  const rsa = readPublicKey(oracle('rsa 256').publicKey);
  const p384 = readPublicKey(oracle('ecdsa 256 secp384r1').publicKey);
  const ed25519 = readPublicKey(oracle('ed25519').publicKey);

  test('the hash that fits the curve, else another that the peer has', () => {
    expect(chooseAuthScheme(p384, [2, 3, 4])?.scheme).toEqual({ algorithm: 'ecdsa', hash: 3, form: 'der' });
    expect(chooseAuthScheme(p384, [4])?.scheme).toEqual({ algorithm: 'ecdsa', hash: 4, form: 'der' });
    expect(chooseAuthScheme(rsa, [4, 3])?.scheme).toEqual({ algorithm: 'rsa-pss', hash: 3, saltBytes: 48 });
    expect(chooseAuthScheme(rsa, [2], 'pkcs1')?.scheme).toEqual({ algorithm: 'rsa-pkcs1', hash: 2 });
  });

  test('nothing where only SHA-1 is left, or where the peer cannot know the key', () => {
    expect(chooseAuthScheme(rsa, [1])).toBeUndefined();
    expect(chooseAuthScheme(p384, [1, 5])).toBeUndefined();
    expect(chooseAuthScheme(rsa, undefined)).toBeUndefined();
    expect(chooseAuthScheme(ed25519, undefined)).toBeUndefined();
    // RFC 8420 §2: Ed25519 needs the Identity hash.
    expect(chooseAuthScheme(ed25519, [2, 3, 4])).toBeUndefined();
    expect(chooseAuthScheme(ed25519, [2, 5])?.scheme).toEqual({ algorithm: 'ed25519' });
  });

  test('a key for RSASSA-PSS alone signs nothing else', () => {
    const { privateKey, publicKey } = derKeys(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }));
    const auth = chooseAuthScheme(readPrivateKey(privateKey), [2], 'pkcs1')!;
    expect(auth.scheme).toEqual({ algorithm: 'rsa-pss', hash: 2, saltBytes: 32 });
    const octets = Uint8Array.of(1, 2, 3);
    const data = signAuth(NODE, auth, privateKey, octets);
    expect(verifyAuth(NODE, DIGITAL, publicKey, octets, data)).toBe('authentic');
    expect(verifyAuth(NODE, 1, publicKey, octets, data)).toBe('wrong-key');
  });
});
