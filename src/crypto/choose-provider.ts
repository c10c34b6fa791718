// Which crypto provider IKE uses. `auto` takes each algorithm from the addon where it is there and has it, else from
// node:crypto, else from noble.

import type { CryptoProvider } from './ike-crypto.ts';
import type { NativeCrypto } from './native/native-crypto.ts';
import { nativeProvider } from './native/native-provider.ts';
import { nobleProvider } from './noble/noble-provider.ts';
import { nodeProvider } from './node/node-provider.ts';

export type ProviderChoice = Exclude<CryptoProvider['name'], 'native'>;

/** @param native the addon, where it is loaded */
export function chooseProvider(choice: ProviderChoice, native?: NativeCrypto): CryptoProvider {
  switch (choice) {
    case 'node':
      return nodeProvider();
    case 'noble':
      return nobleProvider();
    case 'auto':
      return native === undefined
        ? preferring(nodeProvider(), nobleProvider())
        : preferring(nativeProvider(native), preferring(nodeProvider(), nobleProvider()));
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
