// The provider on the addon: what a handshake does often and node:crypto does slowly, or with keys that it cannot zero.
// PRFs, X25519 and X448; all else is left to the others.

import { randomFillSync } from 'node:crypto';
import { InvariantError } from '../../base/errors.ts';
import { GROUPS, type MontgomeryGroup, type PrfParameters, PRFS } from '../ike-algorithms.ts';
import {
  type CryptoProvider,
  InvalidKeyExchangeError,
  type KeyExchangeMethod,
  type KeyShare,
  type Prf,
} from '../ike-crypto.ts';
import type { NativeCrypto } from './native-crypto.ts';

export function nativeProvider(native: NativeCrypto): CryptoProvider {
  const prfs = new Map(PRFS.map((parameters) => [parameters.id, nativePrf(native, parameters)]));
  const montgomery = GROUPS.filter((group) => group.kind === 'montgomery');
  const groups = new Map(
    montgomery
      .filter(({ curve, publicBytes }) => native.montgomeryPublic(curve, new Uint8Array(publicBytes)))
      .map((group) => [group.group, nativeMontgomery(native, group)]),
  );
  const refuse = (): never => {
    throw new RangeError('the addon has no signatures');
  };
  return {
    name: 'native',
    prf: (id) => prfs.get(id),
    keyExchange: (group) => groups.get(group),
    ikeCipher: () => undefined,
    hasSignature: () => false,
    sign: refuse,
    verify: refuse,
  };
}

function nativePrf(native: NativeCrypto, { id, name, hash, outputBytes }: PrfParameters): Prf {
  return {
    id,
    name,
    outputBytes,
    // RFC 7296 §2.13: for an HMAC, the length of the hash.
    keyBytes: outputBytes,
    compute: (key, ...data) => {
      const output = native.computePrf(hash, key, ...data);
      if (output === undefined) throw new InvariantError(`${name}: OpenSSL failed`);
      return output;
    },
  };
}

function nativeMontgomery(native: NativeCrypto, parameters: MontgomeryGroup): KeyExchangeMethod {
  const { group, name, publicBytes } = parameters;
  return {
    group,
    name,
    publicBytes,
    generate: (privateValue) => {
      // RFC 7748 §5: any bytes are a private key.
      const own = privateValue?.slice() ?? randomFillSync(new Uint8Array(publicBytes));
      return new MontgomeryKeyShare(native, parameters, own);
    },
  };
}

class MontgomeryKeyShare implements KeyShare {
  readonly publicValue: Uint8Array;
  readonly #native: NativeCrypto;
  readonly #group: MontgomeryGroup;
  readonly #own: Uint8Array;
  #destroyed = false;

  constructor(native: NativeCrypto, group: MontgomeryGroup, own: Uint8Array) {
    this.#native = native;
    this.#group = group;
    this.#own = own;
    const value = native.montgomeryPublic(group.curve, own);
    if (value === undefined) throw new InvariantError(`${group.name}: OpenSSL failed`);
    this.publicValue = value;
  }

  agree(peer: Uint8Array): Uint8Array {
    const { name, publicBytes, curve } = this.#group;
    if (this.#destroyed) throw new InvariantError(`${name}: agreement with a destroyed key`);
    if (peer.length !== publicBytes) {
      throw new InvalidKeyExchangeError(`${name}: public value of ${peer.length} bytes, not ${publicBytes}`);
    }
    const secret = this.#native.montgomeryAgree(curve, this.#own, peer);
    // RFC 8031 §5, RFC 7748 §6: OpenSSL fails where the result is zero, and for no other reason.
    if (secret === undefined) throw new InvalidKeyExchangeError(`${name}: public value of small order`);
    return secret;
  }

  destroy(): void {
    this.#destroyed = true;
    this.#own.fill(0);
  }
}
