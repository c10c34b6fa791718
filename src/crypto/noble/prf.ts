// HMAC-SHA2 by @noble/hashes, RFC 4868 §2.

import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import type { CHash } from '@noble/hashes/utils.js';
import type { PrfParameters, Sha2 } from '../ike-algorithms.ts';
import type { Prf } from '../ike-crypto.ts';

export const NOBLE_SHA2: Readonly<Record<Sha2, CHash>> = { sha256, sha384, sha512 };

export function noblePrf({ id, name, hash, outputBytes }: PrfParameters): Prf {
  return {
    id,
    name,
    outputBytes,
    // RFC 7296 §2.13: for an HMAC, the length of the hash.
    keyBytes: outputBytes,
    compute: (key, ...data) => nobleHmac(hash, key, ...data),
  };
}

export function nobleHmac(hash: Sha2, key: Uint8Array, ...data: readonly Uint8Array[]): Uint8Array {
  const mac = hmac.create(NOBLE_SHA2[hash], key);
  for (const part of data) mac.update(part);
  return mac.digest();
}
