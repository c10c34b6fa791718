// The crypto providers of IKE, and access to what one of them must have.

import { chooseProvider } from '../../src/crypto/choose-provider.ts';
import { loadAddon } from '../../src/dataplane/native/load-addon.ts';
import type { CryptoProvider, IkeCipher, KeyExchangeMethod, Prf } from '../../src/crypto/ike-crypto.ts';

export const NODE: CryptoProvider = chooseProvider('node');
export const NOBLE: CryptoProvider = chooseProvider('noble');
/** As a gateway has it: what the addon does not have comes from the others. */
export const AUTO: CryptoProvider = chooseProvider('auto', loadAddon());
export const PROVIDERS: readonly CryptoProvider[] = [NODE, NOBLE, AUTO];

export const PRF_IDS: readonly number[] = [5, 6, 7];
export const MODP_GROUPS: readonly number[] = [14, 15, 16];
export const CURVE_GROUPS: readonly number[] = [19, 20, 21, 31, 32];

/** Encryption, key bits and integrity of each IKE cipher. */
export const IKE_CIPHERS: readonly (readonly [number, number | undefined, number])[] = [
  ...[128, 192, 256].map((bits) => [20, bits, 0] as const),
  [28, undefined, 0],
  ...[128, 192, 256].flatMap((bits) => [12, 13, 14].map((integrity) => [12, bits, integrity] as const)),
];

export function prfOf(provider: CryptoProvider, id: number): Prf {
  return present(provider.prf(id), `${provider.name}: PRF ${id}`);
}

export function groupOf(provider: CryptoProvider, group: number): KeyExchangeMethod {
  return present(provider.keyExchange(group), `${provider.name}: group ${group}`);
}

export function cipherOf(
  provider: CryptoProvider,
  encryptionId: number,
  keyBits: number | undefined,
  integrityId: number,
): IkeCipher {
  const cipher = provider.ikeCipher(encryptionId, keyBits, integrityId);
  return present(cipher, `${provider.name}: cipher ${encryptionId} ${String(keyBits)} ${integrityId}`);
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`missing: ${what}`);
  return value;
}
