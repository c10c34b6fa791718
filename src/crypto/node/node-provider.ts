// The provider on node:crypto: all algorithms, as far as the OpenSSL of this Node has them.

import { generateKeyPairSync, getCiphers, getCurves, getHashes } from 'node:crypto';
import { cbcIkeCipher } from '../cbc-ike-cipher.ts';
import { combinedModeIkeCipher } from '../combined-mode-ike-cipher.ts';
import { GROUPS, ikeCipherParameters, PRFS, type Sha2 } from '../ike-algorithms.ts';
import type { CryptoProvider, IkeCipher, KeyExchangeMethod, Prf } from '../ike-crypto.ts';
import { cipherName, nodeAead, nodeCbc } from './ciphers.ts';
import { nodeEcp, OPENSSL_CURVES } from './ecp-key-exchange.ts';
import { nodeModp } from './modp-key-exchange.ts';
import { nodeMontgomery } from './montgomery-key-exchange.ts';
import { nodePrf } from './prf.ts';
import { nodeSign, nodeVerify } from './signatures.ts';

export function nodeProvider(): CryptoProvider {
  const hashes = new Set<string>(getHashes());
  const hasHash = (hash: Sha2): boolean => hashes.has(hash);
  const ciphers = new Set(getCiphers());
  const prfs = new Map<number, Prf>(
    PRFS.filter(({ hash }) => hasHash(hash)).map((parameters) => [parameters.id, nodePrf(parameters)]),
  );
  const groups = new Map(availableGroups().map((method) => [method.group, method]));
  return {
    name: 'node',
    prf: (id) => prfs.get(id),
    keyExchange: (group) => groups.get(group),
    ikeCipher: (encryptionId, keyBits, integrityId): IkeCipher | undefined => {
      const parameters = ikeCipherParameters(encryptionId, keyBits, integrityId);
      if (parameters === undefined) return undefined;
      const algorithm = parameters.kind === 'cbc' ? 'aes-cbc' : parameters.algorithm;
      if (!ciphers.has(cipherName(algorithm, parameters.cipherKeyBytes))) return undefined;
      if (parameters.kind === 'combined') return combinedModeIkeCipher(parameters, nodeAead(parameters));
      if (!hasHash(parameters.hash)) return undefined;
      return cbcIkeCipher(parameters, nodeCbc(parameters.cipherKeyBytes, parameters.hash));
    },
    hasSignature: () => true,
    sign: nodeSign,
    verify: nodeVerify,
  };
}

function availableGroups(): KeyExchangeMethod[] {
  const curves = new Set(getCurves());
  return GROUPS.flatMap((group) => {
    switch (group.kind) {
      case 'modp':
        return [nodeModp(group)];
      case 'ecp':
        return curves.has(OPENSSL_CURVES[group.curve]) ? [nodeEcp(group)] : [];
      case 'montgomery':
        return hasMontgomery(group.curve) ? [nodeMontgomery(group)] : [];
    }
  });
}

/** OpenSSL has no list of these. A Node that was built with another library lacks X448. */
function hasMontgomery(curve: 'X25519' | 'X448'): boolean {
  try {
    if (curve === 'X25519') generateKeyPairSync('x25519');
    else generateKeyPairSync('x448');
    return true;
  } catch {
    return false;
  }
}
