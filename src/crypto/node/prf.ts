// HMAC-SHA2 by node:crypto, RFC 4868 §2.

import { createHmac } from 'node:crypto';
import type { PrfParameters, Sha2 } from '../ike-algorithms.ts';
import type { Prf } from '../ike-crypto.ts';
import { plainBytes } from './bytes.ts';

export function nodePrf({ id, name, hash, outputBytes }: PrfParameters): Prf {
  return {
    id,
    name,
    outputBytes,
    // RFC 7296 §2.13: for an HMAC, the length of the hash.
    keyBytes: outputBytes,
    compute: (key, ...data) => hmac(hash, key, ...data),
  };
}

export function hmac(hash: Sha2, key: Uint8Array, ...data: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac(hash, key);
  for (const part of data) mac.update(part);
  return plainBytes(mac.digest());
}
