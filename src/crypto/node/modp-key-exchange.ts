// MODP groups by node:crypto: RFC 3526, RFC 7296 §2.14. All of them are safe primes.

import { createDiffieHellman, type DiffieHellman, getDiffieHellman } from 'node:crypto';
import { InvariantError } from '../../base/errors.ts';
import type { ModpGroup } from '../ike-algorithms.ts';
import { InvalidKeyExchangeError, type KeyExchangeMethod, type KeyShare } from '../ike-crypto.ts';

const GENERATOR = 2;

export function nodeModp(parameters: ModpGroup): KeyExchangeMethod {
  const { group, name, publicBytes } = parameters;
  const prime = getDiffieHellman(`modp${group}`).getPrime();
  return {
    group,
    name,
    publicBytes,
    generate: (privateValue) => {
      const own = createDiffieHellman(prime, GENERATOR);
      if (privateValue !== undefined) own.setPrivateKey(privateValue);
      return new ModpKeyShare(parameters, prime, own);
    },
  };
}

class ModpKeyShare implements KeyShare {
  readonly publicValue: Uint8Array;
  readonly #group: ModpGroup;
  readonly #prime: Uint8Array;
  readonly #own: DiffieHellman;
  #destroyed = false;

  constructor(group: ModpGroup, prime: Uint8Array, own: DiffieHellman) {
    this.#group = group;
    this.#prime = prime;
    this.#own = own;
    // RFC 7296 §3.4: as long as the modulus, with zeros in front where it takes them.
    this.publicValue = atLength(own.generateKeys(), group.publicBytes);
  }

  agree(peer: Uint8Array): Uint8Array {
    if (this.#destroyed) throw new InvariantError(`${this.#group.name}: agreement with a destroyed key`);
    checkPublicValue(this.#group, this.#prime, peer);
    const secret = this.#own.computeSecret(peer);
    // RFC 7296 §2.14: g^ir is as long as the modulus.
    const padded = atLength(secret, this.#group.publicBytes);
    secret.fill(0);
    return padded;
  }

  destroy(): void {
    this.#destroyed = true;
    // OpenSSL zeroes the key that is replaced.
    this.#own.setPrivateKey(Uint8Array.of(1));
  }
}

/** RFC 6989 §2.1: 2 ≤ y ≤ p - 2. With a safe prime there is no other small subgroup. */
function checkPublicValue({ name, publicBytes }: ModpGroup, prime: Uint8Array, peer: Uint8Array): void {
  if (peer.length !== publicBytes) {
    throw new InvalidKeyExchangeError(`${name}: public value of ${peer.length} bytes, not ${publicBytes}`);
  }
  // The prime is odd, so p - 1 differs in the last octet alone.
  const largest = Uint8Array.from(prime);
  largest[largest.length - 1]! -= 2;
  const smallest = atLength(Uint8Array.of(2), publicBytes);
  if (Buffer.compare(peer, smallest) < 0 || Buffer.compare(peer, largest) > 0) {
    throw new InvalidKeyExchangeError(`${name}: public value is not in 2 … p - 2`);
  }
}

/** Big-endian, with zeros in front. */
function atLength(bytes: Uint8Array, length: number): Uint8Array {
  const padded = new Uint8Array(length);
  padded.set(bytes, length - bytes.length);
  return padded;
}
