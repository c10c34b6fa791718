// SIGNATURE_HASH_ALGORITHMS, RFC 7427 §4, RFC 8420 §2: the hashes that each side verifies signatures with.

import { SignatureHash } from '../crypto/ike-crypto.ts';
import { NotifyType } from '../wire/ike/iana.ts';
import type { NotifyPayload, Payload } from '../wire/ike/payload.ts';
import { findNotify, notify } from './payloads.ts';

/** All but SHA-1 (RFC 8247 §4.1.2). */
const OWN: readonly number[] = [
  SignatureHash.SHA2_256,
  SignatureHash.SHA2_384,
  SignatureHash.SHA2_512,
  SignatureHash.IDENTITY,
];

export function signatureHashes(): NotifyPayload {
  return notify(
    NotifyType.SIGNATURE_HASH_ALGORITHMS,
    Uint8Array.from(OWN.flatMap((hash) => [hash >> 8, hash & 0xff])),
  );
}

/** @returns undefined where the peer does not know RFC 7427 */
export function readSignatureHashes(payloads: readonly Payload[]): readonly number[] | undefined {
  const data = findNotify(payloads, NotifyType.SIGNATURE_HASH_ALGORITHMS)?.data;
  if (data === undefined) return undefined;
  return OWN.filter((hash) => {
    for (let offset = 0; offset + 2 <= data.length; offset += 2)
      if (((data[offset]! << 8) | data[offset + 1]!) === hash) return true;
    return false;
  });
}
