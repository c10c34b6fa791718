import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../../src/base/errors.ts';
import { chooseProvider, preferring } from '../../../src/crypto/choose-provider.ts';
import type { CryptoProvider } from '../../../src/crypto/ike-crypto.ts';
import {
  CURVE_GROUPS,
  IKE_CIPHERS,
  MODP_GROUPS,
  NOBLE,
  NODE,
  PRF_IDS,
} from '../../support/crypto-providers.ts';
import { readOracle } from '../../vectors/ike-vectors.ts';

const NOTHING: CryptoProvider = {
  ...NODE,
  prf: () => undefined,
  keyExchange: () => undefined,
  ikeCipher: () => undefined,
  hasSignature: () => false,
};

test('each choice has its name', () => {
  const choices = ['node', 'noble', 'auto'] as const;
  expect(choices.map((choice) => chooseProvider(choice).name)).toEqual(choices);
});

test('auto has everything', () => {
  const auto = chooseProvider('auto');
  for (const id of PRF_IDS) expect(auto.prf(id)).toBeDefined();
  for (const group of [...MODP_GROUPS, ...CURVE_GROUPS]) expect(auto.keyExchange(group)).toBeDefined();
  for (const cipher of IKE_CIPHERS) expect(auto.ikeCipher(...cipher)).toBeDefined();
  for (const algorithm of ['rsa-pkcs1', 'rsa-pss', 'ecdsa', 'ed25519'] as const) {
    expect(auto.hasSignature(algorithm)).toBe(true);
  }
});

test('auto takes from the addon what that has, and the rest from the others', () => {
  const calls: string[] = [];
  const answer =
    (name: string, length: number) =>
    (kind: string): Uint8Array => {
      calls.push(`${name} ${kind}`);
      return new Uint8Array(length);
    };
  const auto = chooseProvider('auto', {
    computePrf: answer('prf', 32),
    montgomeryPublic: answer('public', 32),
    montgomeryAgree: answer('agree', 32),
  });
  calls.length = 0;
  auto.prf(5)?.compute(Uint8Array.of(1));
  auto.keyExchange(31)?.generate().agree(new Uint8Array(32));
  auto.keyExchange(19)?.generate();
  expect(calls).toEqual(['prf sha256', 'public X25519', 'agree X25519']);
  expect(auto.ikeCipher(20, 256, 0)).toBeDefined();
  expect(auto.hasSignature('rsa-pss')).toBe(true);
});

test('a curve that the OpenSSL of the addon has not comes from node:crypto', () => {
  const nothing = (): undefined => undefined;
  const auto = chooseProvider('auto', {
    computePrf: nothing,
    montgomeryPublic: nothing,
    montgomeryAgree: nothing,
  });
  const share = auto.keyExchange(31)!.generate();
  expect(share.agree(NODE.keyExchange(31)!.generate().publicValue)).toHaveLength(32);
  expect(() => auto.prf(5)!.compute(Uint8Array.of(1))).toThrow(InvariantError);
});

describe('preferring', () => {
  test('takes from the first what that has', () => {
    const both = preferring(NODE, NOBLE);
    expect(both.prf(5)).toBe(NODE.prf(5));
    expect(both.keyExchange(31)).toBe(NODE.keyExchange(31));
  });

  test('takes the rest from the second', () => {
    const both = preferring(NOBLE, NODE);
    expect(both.keyExchange(31)).toBe(NOBLE.keyExchange(31));
    expect(both.keyExchange(14)).toBe(NODE.keyExchange(14));
    const second = preferring(NOTHING, NOBLE);
    expect(second.prf(5)).toBe(NOBLE.prf(5));
    expect(second.ikeCipher(20, 256, 0)).toBeDefined();
    expect(second.keyExchange(14)).toBeUndefined();
    expect(second.hasSignature('rsa-pss')).toBe(false);
  });

  test('signs with the one that can', () => {
    const { privateKey, publicKey, octets } = readOracle().signatures.find(({ id }) => id === 'rsa 256')!;
    const both = preferring(NOBLE, NODE);
    const scheme = { algorithm: 'rsa-pkcs1', hash: 2 } as const;
    const signature = both.sign(scheme, privateKey, octets);
    expect(both.verify(scheme, publicKey, octets, signature)).toBe(true);
    expect(both.verify(scheme, publicKey, octets.subarray(1), signature)).toBe(false);
  });
});
