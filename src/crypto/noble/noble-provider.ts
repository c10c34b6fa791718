// The provider on @noble/curves, @noble/hashes and @noble/ciphers: all but MODP and RSA, in plain JavaScript.

import { cbcIkeCipher } from '../cbc-ike-cipher.ts';
import { combinedModeIkeCipher } from '../combined-mode-ike-cipher.ts';
import { GROUPS, ikeCipherParameters, PRFS } from '../ike-algorithms.ts';
import type { CryptoProvider, KeyExchangeMethod, Prf } from '../ike-crypto.ts';
import { nobleAead, nobleCbc } from './ciphers.ts';
import { nobleKeyExchange } from './key-exchange.ts';
import { noblePrf } from './prf.ts';
import { nobleHasSignature, nobleSign, nobleVerify } from './signatures.ts';

export function nobleProvider(): CryptoProvider {
  const prfs = new Map<number, Prf>(PRFS.map((parameters) => [parameters.id, noblePrf(parameters)]));
  const groups = new Map<number, KeyExchangeMethod>();
  for (const group of GROUPS) {
    if (group.kind !== 'modp') groups.set(group.group, nobleKeyExchange(group));
  }
  return {
    name: 'noble',
    prf: (id) => prfs.get(id),
    keyExchange: (group) => groups.get(group),
    ikeCipher: (encryptionId, keyBits, integrityId) => {
      const parameters = ikeCipherParameters(encryptionId, keyBits, integrityId);
      if (parameters === undefined) return undefined;
      return parameters.kind === 'combined'
        ? combinedModeIkeCipher(parameters, nobleAead(parameters))
        : cbcIkeCipher(parameters, nobleCbc(parameters.hash));
    },
    hasSignature: nobleHasSignature,
    sign: nobleSign,
    verify: nobleVerify,
  };
}
