// The crypto providers against each other: what one computes, encrypts or signs, the other has to get, open or
// verify, for random input.

import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { InvalidKeyExchangeError, type KeyShare, type SignatureScheme } from '../../src/crypto/ike-crypto.ts';
import {
  AUTO,
  cipherOf,
  CURVE_GROUPS,
  groupOf,
  IKE_CIPHERS,
  NOBLE,
  NODE,
  PRF_IDS,
  prfOf,
} from '../support/crypto-providers.ts';
import { derKeys } from '../support/der-keys.ts';
import { Random } from '../support/random.ts';

const PAIRS = [
  { from: NODE, to: NOBLE },
  { from: NOBLE, to: NODE },
];

const random = new Random(7296);
const bytes = (length: number): Uint8Array => Uint8Array.from(random.bytes(length));

test.each(PRF_IDS)('PRF %i: keys and data of any length', (id) => {
  for (let i = 0; i < 200; i++) {
    const key = bytes(random.below(300));
    const data = [bytes(random.below(300)), bytes(random.below(40)), bytes(random.below(3))];
    const expected = prfOf(NODE, id).compute(key, ...data);
    expect(prfOf(NOBLE, id).compute(key, ...data)).toEqual(expected);
    expect(prfOf(AUTO, id).compute(key, ...data)).toEqual(expected);
  }
});

const OTHERS = CURVE_GROUPS.flatMap((group) => [NOBLE, AUTO].map((other) => ({ group, other })));

describe.each(OTHERS)('group $group, node and $other.name', ({ group, other }) => {
  test('the same secret on both sides, the same values of the same private key', () => {
    for (let i = 0; i < 5; i++) {
      const [node, peer] = [groupOf(NODE, group).generate(), groupOf(other, group).generate()];
      expect(node.agree(peer.publicValue)).toEqual(peer.agree(node.publicValue));
      const own = privateValue(group);
      const [a, b] = [groupOf(NODE, group).generate(own), groupOf(other, group).generate(own)];
      expect(a.publicValue).toEqual(b.publicValue);
      expect(a.agree(node.publicValue)).toEqual(b.agree(node.publicValue));
    }
  });

  test('both accept and refuse the same random values', () => {
    const own = privateValue(group);
    const [a, b] = [groupOf(NODE, group).generate(own), groupOf(other, group).generate(own)];
    for (let i = 0; i < 8; i++) {
      const peer = bytes(groupOf(NODE, group).publicBytes);
      expect(outcome(a, peer)).toEqual(outcome(b, peer));
    }
  });
});

/** Below the order of each curve. */
function privateValue(group: number): Uint8Array {
  const lengths: Readonly<Record<number, number>> = { 19: 32, 20: 48, 21: 66, 31: 32, 32: 56 };
  const value = bytes(lengths[group]!);
  value[0] = 0;
  value[1]! &= 0x7f;
  value[5]! |= 1;
  return value;
}

function outcome(share: KeyShare, peer: Uint8Array): Uint8Array | 'refused' {
  try {
    return share.agree(peer);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidKeyExchangeError);
    return 'refused';
  }
}

describe.each(PAIRS)('$from.name to $to.name', ({ from, to }) => {
  test.each(IKE_CIPHERS)('cipher %i %s %i', (...transform) => {
    const [sender, receiver] = [cipherOf(from, ...transform), cipherOf(to, ...transform)];
    for (let i = 0; i < 20; i++) {
      const keys = { encryption: bytes(sender.keyBytes), integrity: bytes(sender.integrityKeyBytes) };
      const header = bytes(random.between(28, 36));
      const inner = bytes(random.below(600));
      const iv = bytes(sender.ivBytes);
      const body = sender.encrypt(keys, iv, header, inner);
      expect(receiver.encrypt(keys, iv, header, inner)).toEqual(body);
      expect(receiver.decrypt(keys, header, body)).toEqual(inner);
      body[random.below(body.length)]! ^= 1 << random.below(8);
      expect(receiver.decrypt(keys, header, body)).toBeUndefined();
    }
  });

  test.each(['prime256v1', 'secp384r1', 'secp521r1'])('ECDSA on %s', (namedCurve) => {
    const { privateKey, publicKey } = derKeys(generateKeyPairSync('ec', { namedCurve }));
    for (const hash of [1, 2, 3, 4] as const) {
      for (const form of ['der', 'raw'] as const)
        agree({ algorithm: 'ecdsa', hash, form }, privateKey, publicKey);
    }
  });

  test('Ed25519', () => {
    const { privateKey, publicKey } = derKeys(generateKeyPairSync('ed25519'));
    agree({ algorithm: 'ed25519' }, privateKey, publicKey);
  });

  function agree(scheme: SignatureScheme, privateKey: Uint8Array, publicKey: Uint8Array): void {
    const message = bytes(random.below(200));
    const signature = from.sign(scheme, privateKey, message);
    expect(to.verify(scheme, publicKey, message, signature)).toBe(true);
    expect(to.verify(scheme, publicKey, Uint8Array.of(...message, 1), signature)).toBe(false);
    signature[random.below(signature.length)]! ^= 1 << random.below(8);
    expect(to.verify(scheme, publicKey, message, signature)).toBe(false);
    expect(from.verify(scheme, publicKey, message, signature)).toBe(false);
    expect(to.verify(scheme, publicKey, message, bytes(random.below(150)))).toBe(false);
  }
});
