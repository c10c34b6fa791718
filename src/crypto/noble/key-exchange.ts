// ECP groups (RFC 5903), X25519 and X448 (RFC 8031, RFC 7748) by @noble/curves. There is no MODP here.

import type { ECDSA } from '@noble/curves/abstract/weierstrass.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { x448 } from '@noble/curves/ed448.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { InvariantError } from '../../base/errors.ts';
import type { Curve, EcpGroup, MontgomeryGroup } from '../ike-algorithms.ts';
import { InvalidKeyExchangeError, type KeyExchangeMethod, type KeyShare } from '../ike-crypto.ts';

export const NOBLE_CURVES: Readonly<Record<Curve, ECDSA>> = { 'P-256': p256, 'P-384': p384, 'P-521': p521 };
const MONTGOMERY = { X25519: x25519, X448: x448 };

/** In front of x | y where a point is not compressed (SEC 1 §2.3.3); IKE leaves it out. */
const UNCOMPRESSED = 4;

/** What a group asks of its curve. */
interface CurveOperations {
  randomSecret(): Uint8Array;
  publicOf(secret: Uint8Array): Uint8Array;
  /** Throws where the peer's value, which has the right length, is of no use. */
  shared(secret: Uint8Array, peer: Uint8Array): Uint8Array;
}

export function nobleKeyExchange(parameters: EcpGroup | MontgomeryGroup): KeyExchangeMethod {
  const operations = parameters.kind === 'ecp' ? ecp(parameters) : montgomery(parameters);
  const { group, name, publicBytes } = parameters;
  return {
    group,
    name,
    publicBytes,
    generate: (privateValue) => {
      const secret = privateValue === undefined ? operations.randomSecret() : Uint8Array.from(privateValue);
      return new NobleKeyShare(parameters, operations, secret);
    },
  };
}

class NobleKeyShare implements KeyShare {
  readonly publicValue: Uint8Array;
  readonly #group: EcpGroup | MontgomeryGroup;
  readonly #operations: CurveOperations;
  readonly #secret: Uint8Array;
  #destroyed = false;

  constructor(group: EcpGroup | MontgomeryGroup, operations: CurveOperations, secret: Uint8Array) {
    this.#group = group;
    this.#operations = operations;
    this.#secret = secret;
    this.publicValue = operations.publicOf(secret);
  }

  agree(peer: Uint8Array): Uint8Array {
    const { name, publicBytes } = this.#group;
    if (this.#destroyed) throw new InvariantError(`${name}: agreement with a destroyed key`);
    if (peer.length !== publicBytes) {
      throw new InvalidKeyExchangeError(`${name}: public value of ${peer.length} bytes, not ${publicBytes}`);
    }
    try {
      return this.#operations.shared(this.#secret, peer);
    } catch (error) {
      throw new InvalidKeyExchangeError(`${name}: public value is of no use`, { cause: error });
    }
  }

  destroy(): void {
    this.#destroyed = true;
    this.#secret.fill(0);
  }
}

function ecp({ curve, publicBytes }: EcpGroup): CurveOperations {
  const { getPublicKey, getSharedSecret, utils } = NOBLE_CURVES[curve];
  return {
    randomSecret: () => utils.randomSecretKey(),
    publicOf: (secret) => getPublicKey(secret, false).slice(1),
    // RFC 6989 §2.3: noble refuses what is not on the curve. RFC 5903 §7: x alone.
    shared: (secret, peer) =>
      getSharedSecret(secret, Uint8Array.of(UNCOMPRESSED, ...peer), false).slice(1, 1 + publicBytes / 2),
  };
}

function montgomery({ curve }: MontgomeryGroup): CurveOperations {
  const { getPublicKey, getSharedSecret, utils } = MONTGOMERY[curve];
  return {
    randomSecret: () => utils.randomSecretKey(),
    publicOf: (secret) => getPublicKey(secret),
    // RFC 8031 §5, RFC 7748 §6: noble refuses points of small order, whose result is zero.
    shared: (secret, peer) => getSharedSecret(secret, peer),
  };
}
