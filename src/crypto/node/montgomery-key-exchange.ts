// X25519 and X448 by node:crypto: RFC 8031, RFC 7748.

import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { InvariantError } from '../../base/errors.ts';
import type { MontgomeryGroup } from '../ike-algorithms.ts';
import { InvalidKeyExchangeError, type KeyExchangeMethod, type KeyShare } from '../ike-crypto.ts';
import { plainBytes } from './bytes.ts';

const AS_JWK: object = { publicKeyEncoding: { format: 'jwk' }, privateKeyEncoding: { format: 'jwk' } };
/** A PKCS#8 key up to its octets (RFC 8410 §7). */
const PKCS8_PREFIX: Readonly<Record<MontgomeryGroup['curve'], string>> = {
  X25519: '302e020100300506032b656e04220420',
  X448: '3046020100300506032b656f043a0438',
};

export function nodeMontgomery(parameters: MontgomeryGroup): KeyExchangeMethod {
  const { group, name, publicBytes, curve } = parameters;
  return {
    group,
    name,
    publicBytes,
    generate: (privateValue) => {
      const own = privateValue === undefined ? randomKey(curve) : importedKey(curve, privateValue);
      return new MontgomeryKeyShare(parameters, own);
    },
  };
}

class MontgomeryKeyShare implements KeyShare {
  readonly publicValue: Uint8Array;
  readonly #group: MontgomeryGroup;
  /** OpenSSL zeroes it when it is collected; node:crypto has no way to do that earlier. */
  #own: KeyObject | undefined;

  constructor(group: MontgomeryGroup, own: KeyObject) {
    this.#group = group;
    this.#own = own;
    const { x } = own.export({ format: 'jwk' });
    if (x === undefined) throw new InvariantError(`${group.name}: a key without its public half`);
    this.publicValue = Uint8Array.from(Buffer.from(x, 'base64url'));
  }

  agree(peer: Uint8Array): Uint8Array {
    const { name, publicBytes, curve } = this.#group;
    if (this.#own === undefined) throw new InvariantError(`${name}: agreement with a destroyed key`);
    if (peer.length !== publicBytes) {
      throw new InvalidKeyExchangeError(`${name}: public value of ${peer.length} bytes, not ${publicBytes}`);
    }
    const x = Buffer.from(peer).toString('base64url');
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: curve, x }, format: 'jwk' });
    try {
      return plainBytes(diffieHellman({ privateKey: this.#own, publicKey }));
    } catch (error) {
      // RFC 8031 §5, RFC 7748 §6: OpenSSL fails where the result is zero, and for no other reason.
      throw new InvalidKeyExchangeError(`${name}: public value of small order`, { cause: error });
    }
  }

  destroy(): void {
    this.#own = undefined;
  }
}

/**
 * Encoded where it is generated, and read again: Node (20, 24) hangs for ever where it collects the garbage of a
 * generation while it exports the key that came of it, because both take the same lock.
 */
function randomKey(curve: MontgomeryGroup['curve']): KeyObject {
  const { privateKey } =
    curve === 'X25519' ? generateKeyPairSync('x25519', AS_JWK) : generateKeyPairSync('x448', AS_JWK);
  // The types do not know what these options give.
  return createPrivateKey({ key: privateKey as object as JsonWebKey, format: 'jwk' });
}

function importedKey(curve: MontgomeryGroup['curve'], privateValue: Uint8Array): KeyObject {
  const key = Buffer.concat([Buffer.from(PKCS8_PREFIX[curve], 'hex'), privateValue]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}
