// Chance and algorithms of a simulated gateway: the gateway's own algorithms, with private keys of a seeded generator.

import { chooseProvider } from '../../../src/crypto/choose-provider.ts';
import type { CryptoProvider } from '../../../src/crypto/ike-crypto.ts';
import { loadAddon } from '../../../src/dataplane/native/load-addon.ts';
import type { Chance } from '../../../src/gateway/chance.ts';
import type { Random } from '../random.ts';

export function seededChance(random: Random): Chance {
  return {
    bytes: (count) => new Uint8Array(random.bytes(count)),
    integer: (first, last) => first + (random.uint32() % (last - first + 1)),
  };
}

/** Groups whose private keys may be any bytes: X25519 and X448. */
export function seededCrypto(random: Random): CryptoProvider {
  const provider = chooseProvider('auto', loadAddon());
  return {
    ...provider,
    keyExchange: (group) => {
      const method = provider.keyExchange(group);
      if (method === undefined) return undefined;
      return {
        ...method,
        generate: () => method.generate(new Uint8Array(random.bytes(method.publicBytes))),
      };
    },
  };
}
