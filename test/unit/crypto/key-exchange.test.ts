import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../../src/base/errors.ts';
import { InvalidKeyExchangeError } from '../../../src/crypto/ike-crypto.ts';
import {
  CURVE_GROUPS,
  groupOf,
  MODP_GROUPS,
  NOBLE,
  NODE,
  PROVIDERS,
} from '../../support/crypto-providers.ts';
import { readAgreementVectors, readPeerValues } from '../../vectors/ike-vectors.ts';

const VECTORS = [
  ...readAgreementVectors('rfc5903-section-8'),
  ...readAgreementVectors('rfc7748-sections-5.2-6'),
];
const PEER_VALUES = readPeerValues();

test('the file holds refused values of each group', () => {
  const refused = CURVE_GROUPS.map(
    (group) => PEER_VALUES.filter((vector) => vector.group === group && !vector.valid).length,
  );
  expect(Math.min(...refused)).toBeGreaterThan(3);
});

describe.each(PROVIDERS)('$name', (provider) => {
  test.each(VECTORS)('RFC 5903 §8, RFC 7748 $id, group $group', (vector) => {
    const method = groupOf(provider, vector.group);
    const a = method.generate(vector.privateA);
    expect(a.agree(vector.publicB)).toEqual(vector.shared);
    if (vector.publicA === undefined || vector.privateB === undefined) return;
    const b = method.generate(vector.privateB);
    expect(a.publicValue).toEqual(vector.publicA);
    expect(b.publicValue).toEqual(vector.publicB);
    expect(b.agree(vector.publicA)).toEqual(vector.shared);
  });

  test.each(PEER_VALUES)('Wycheproof $id', ({ group, private: own, peer, shared, valid }) => {
    const share = groupOf(provider, group).generate(own);
    if (valid) expect(share.agree(peer)).toEqual(shared);
    else expect(() => share.agree(peer)).toThrow(InvalidKeyExchangeError);
  });

  test.each(CURVE_GROUPS)(
    'group %i: a fresh key each time, of the length that the KE payload has',
    (group) => {
      const method = groupOf(provider, group);
      const first = method.generate();
      const second = method.generate();
      expect(first.publicValue).toHaveLength(method.publicBytes);
      expect(first.publicValue).not.toEqual(second.publicValue);
      expect(first.agree(second.publicValue)).toEqual(second.agree(first.publicValue));
    },
  );

  test.each(CURVE_GROUPS)('RFC 6989 §2.5: group %i refuses other lengths', (group) => {
    const method = groupOf(provider, group);
    const share = method.generate();
    const peer = method.generate().publicValue;
    const wrong = [new Uint8Array(0), peer.subarray(1), Uint8Array.of(0, ...peer), Uint8Array.of(4, ...peer)];
    for (const value of wrong) expect(() => share.agree(value)).toThrow(InvalidKeyExchangeError);
  });

  test.each([19, 20, 21])('RFC 6989 §2.3: group %i refuses points that are not on the curve', (group) => {
    const method = groupOf(provider, group);
    const share = method.generate();
    const flipped = method.generate().publicValue;
    flipped[flipped.length - 1]! ^= 1;
    // (0, 0) stands for infinity in some libraries; all ones is larger than the prime.
    const zero = new Uint8Array(method.publicBytes);
    const large = new Uint8Array(method.publicBytes).fill(0xff);
    for (const point of [flipped, zero, large]) {
      expect(() => share.agree(point)).toThrow(InvalidKeyExchangeError);
    }
  });

  test.each([31, 32])('RFC 8031 §5: group %i refuses a zero result', (group) => {
    const method = groupOf(provider, group);
    const zero = new Uint8Array(method.publicBytes);
    const one = Uint8Array.from(zero);
    one[0] = 1;
    for (const point of [zero, one]) {
      expect(() => method.generate().agree(point)).toThrow(InvalidKeyExchangeError);
    }
  });

  test.each(CURVE_GROUPS)('group %i: nothing agrees with a destroyed key', (group) => {
    const method = groupOf(provider, group);
    const share = method.generate();
    const peer = method.generate().publicValue;
    share.destroy();
    expect(() => share.agree(peer)).toThrow(InvariantError);
  });

  test('weak and unknown groups are not there', () => {
    expect([0, 1, 2, 5, 22, 23, 24, 25, 33].map((group) => provider.keyExchange(group))).toEqual(
      Array(9).fill(undefined),
    );
  });
});

describe('MODP', () => {
  test('noble has none', () => {
    expect(MODP_GROUPS.map((group) => NOBLE.keyExchange(group))).toEqual([undefined, undefined, undefined]);
  });

  // RFC 3526 §3, §4, §5: p = 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + k).
  const PRIMES = [
    { group: 14, bits: 2048, prime: rfc3526Prime(2048, 124476n) },
    { group: 15, bits: 3072, prime: rfc3526Prime(3072, 1690314n) },
    { group: 16, bits: 4096, prime: rfc3526Prime(4096, 240904n) },
  ];

  test.each(PRIMES)('group $group is 2^x mod p, p as RFC 3526 computes it', ({ group, bits, prime }) => {
    const method = groupOf(NODE, group);
    expect(method.publicBytes).toBe(bits / 8);
    const a = 0x1234_5678_9abc_def0_1122_3344_5566_7788_99aa_bbcc_ddee_ff01n;
    const b = 0xfedc_ba98_7654_3210_0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978n;
    const share = method.generate(bytesOf(a, 24));
    expect(share.publicValue).toEqual(bytesOf(power(2n, a, prime), bits / 8));
    const peer = power(2n, b, prime);
    expect(share.agree(bytesOf(peer, bits / 8))).toEqual(bytesOf(power(peer, a, prime), bits / 8));
  });

  test.each(PRIMES)('RFC 7296 §2.14: group $group pads values with zeros', ({ group, bits, prime }) => {
    const share = groupOf(NODE, group).generate(Uint8Array.of(3));
    expect(share.publicValue).toEqual(bytesOf(8n, bits / 8));
    expect(share.agree(bytesOf(2n, bits / 8))).toEqual(bytesOf(8n, bits / 8));
    // The largest value that is allowed: (p - 2)^3 = p - 8.
    expect(share.agree(bytesOf(prime - 2n, bits / 8))).toEqual(bytesOf(prime - 8n, bits / 8));
  });

  test.each(PRIMES)(
    'RFC 6989 §2.1: group $group refuses 0, 1, p - 1, p and more',
    ({ group, bits, prime }) => {
      const share = groupOf(NODE, group).generate();
      const largest = (1n << BigInt(bits)) - 1n;
      for (const value of [0n, 1n, prime - 1n, prime, prime + 1n, prime + 2n, largest]) {
        expect(() => share.agree(bytesOf(value, bits / 8))).toThrow(InvalidKeyExchangeError);
      }
    },
  );

  test.each(PRIMES)('RFC 7296 §3.4: group $group refuses other lengths', ({ group, bits }) => {
    const share = groupOf(NODE, group).generate();
    for (const length of [0, 1, bits / 8 - 1, bits / 8 + 1]) {
      expect(() => share.agree(bytesOf(5n, length))).toThrow(InvalidKeyExchangeError);
    }
  });

  test.each(MODP_GROUPS)(
    'group %i: both sides reach one secret, and nothing with a destroyed key',
    (group) => {
      const method = groupOf(NODE, group);
      const [a, b] = [method.generate(), method.generate()];
      expect(a.publicValue).not.toEqual(b.publicValue);
      expect(a.agree(b.publicValue)).toEqual(b.agree(a.publicValue));
      a.destroy();
      expect(() => a.agree(b.publicValue)).toThrow(InvariantError);
    },
  );
});

function bytesOf(value: bigint, length: number): Uint8Array {
  const hex = value.toString(16).padStart(2 * length, '0');
  return Uint8Array.from(Buffer.from(length === 0 ? '' : hex, 'hex'));
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function rfc3526Prime(bits: number, k: bigint): bigint {
  const n = BigInt(bits);
  return (1n << n) - (1n << (n - 64n)) - 1n + ((piTimesPowerOfTwo(n - 130n) + k) << 64n);
}

/** [2^bits pi] by Machin's formula, pi = 16 arctan 1/5 - 4 arctan 1/239. */
function piTimesPowerOfTwo(bits: bigint): bigint {
  const guard = 64n;
  const one = 1n << (bits + guard);
  const arctanOfInverse = (x: bigint): bigint => {
    let sum = 0n;
    for (let term = one / x, n = 1n; term !== 0n; term /= x * x, n += 2n) {
      sum += n % 4n === 1n ? term / n : -(term / n);
    }
    return sum;
  };
  return (16n * arctanOfInverse(5n) - 4n * arctanOfInverse(239n)) >> guard;
}
