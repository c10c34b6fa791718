// A keyed hash for what this side alone makes and checks, as quick as the providers have one: it is computed for every
// message of a flood.

import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import type { CryptoProvider } from '../crypto/ike-crypto.ts';
import { PrfId } from '../wire/ike/iana.ts';

/** HMAC-SHA-256 of the concatenated data, 32 bytes. */
export type KeyedHash = (key: Uint8Array, ...data: readonly Uint8Array[]) => Uint8Array;

export function keyedHash(crypto: Pick<CryptoProvider, 'prf'>): KeyedHash {
  const prf = crypto.prf(PrfId.PRF_HMAC_SHA2_256);
  if (prf !== undefined) return (key, ...data) => prf.compute(key, ...data);
  return (key, ...data) => hmac(sha256, key, concatBytes(...data));
}
