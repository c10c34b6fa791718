// ECP groups by node:crypto: RFC 5903 §7. A public value is x | y, the shared secret x alone.

import { createECDH, type ECDH } from 'node:crypto';
import { InvariantError } from '../../base/errors.ts';
import type { Curve, EcpGroup } from '../ike-algorithms.ts';
import { InvalidKeyExchangeError, type KeyExchangeMethod, type KeyShare } from '../ike-crypto.ts';
import { plainBytes } from './bytes.ts';

/** OpenSSL's names. */
export const OPENSSL_CURVES: Readonly<Record<Curve, string>> = {
  'P-256': 'prime256v1',
  'P-384': 'secp384r1',
  'P-521': 'secp521r1',
};

/** In front of x | y where a point is not compressed (SEC 1 §2.3.3); IKE leaves it out. */
const UNCOMPRESSED = 4;

export function nodeEcp(parameters: EcpGroup): KeyExchangeMethod {
  const { group, name, publicBytes, curve } = parameters;
  return {
    group,
    name,
    publicBytes,
    generate: (privateValue) => {
      const own = createECDH(OPENSSL_CURVES[curve]);
      if (privateValue === undefined) own.generateKeys();
      else own.setPrivateKey(privateValue);
      return new EcpKeyShare(parameters, own);
    },
  };
}

class EcpKeyShare implements KeyShare {
  readonly publicValue: Uint8Array;
  readonly #group: EcpGroup;
  readonly #own: ECDH;
  #destroyed = false;

  constructor(group: EcpGroup, own: ECDH) {
    this.#group = group;
    this.#own = own;
    this.publicValue = Uint8Array.from(own.getPublicKey().subarray(1));
  }

  agree(peer: Uint8Array): Uint8Array {
    const { name, publicBytes } = this.#group;
    if (this.#destroyed) throw new InvariantError(`${name}: agreement with a destroyed key`);
    if (peer.length !== publicBytes) {
      throw new InvalidKeyExchangeError(`${name}: public value of ${peer.length} bytes, not ${publicBytes}`);
    }
    try {
      // RFC 6989 §2.3: OpenSSL refuses what is not on the curve.
      return plainBytes(this.#own.computeSecret(Uint8Array.of(UNCOMPRESSED, ...peer)));
    } catch (error) {
      if (isInvalidPublicKey(error)) {
        throw new InvalidKeyExchangeError(`${name}: public value is not on the curve`, { cause: error });
      }
      throw error;
    }
  }

  destroy(): void {
    this.#destroyed = true;
    // OpenSSL zeroes the key that is replaced.
    const one = new Uint8Array(this.#group.publicBytes / 2);
    one[one.length - 1] = 1;
    this.#own.setPrivateKey(one);
  }
}

function isInvalidPublicKey(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY';
}
