// Which crypto provider IKE uses. `auto` takes each algorithm from node:crypto where that has it, else from noble.

import type { CryptoProvider } from './ike-crypto.ts';
import { nobleProvider } from './noble/noble-provider.ts';
import { nodeProvider } from './node/node-provider.ts';

export type ProviderChoice = CryptoProvider['name'];

export function chooseProvider(choice: ProviderChoice): CryptoProvider {
  switch (choice) {
    case 'node':
      return nodeProvider();
    case 'noble':
      return nobleProvider();
    case 'auto':
      return preferring(nodeProvider(), nobleProvider());
  }
}

/** Each algorithm from `first` where it has that, else from `second`. */
export function preferring(first: CryptoProvider, second: CryptoProvider): CryptoProvider {
  return {
    name: 'auto',
    prf: (id) => first.prf(id) ?? second.prf(id),
    keyExchange: (group) => first.keyExchange(group) ?? second.keyExchange(group),
    ikeCipher: (encryptionId, keyBits, integrityId) =>
      first.ikeCipher(encryptionId, keyBits, integrityId) ??
      second.ikeCipher(encryptionId, keyBits, integrityId),
    hasSignature: (algorithm) => first.hasSignature(algorithm) || second.hasSignature(algorithm),
    sign: (scheme, privateKey, data) =>
      (first.hasSignature(scheme.algorithm) ? first : second).sign(scheme, privateKey, data),
    verify: (scheme, publicKey, data, signature) =>
      (first.hasSignature(scheme.algorithm) ? first : second).verify(scheme, publicKey, data, signature),
  };
}
