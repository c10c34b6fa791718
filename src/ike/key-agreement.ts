// The keys of an IKE SA from nonces and a key exchange, by the algorithms that were agreed upon: RFC 7296 §2.10, §2.14, as
// IKE_SA_INIT and rekeys need it.

import { InvalidKeyExchangeError, type CryptoProvider, type KeyShare } from '../crypto/ike-crypto.ts';
import { deriveIkeKeys, skeyseed, type Nonces } from '../crypto/ike-key-material.ts';
import { ikeSpiBytes, type IkeSpi } from '../wire/ike/ike-spi.ts';
import type { IkeSecurity } from './ike-sa-state.ts';
import type { ChosenProposal } from './proposals.ts';

/** RFC 7296 §2.10: at least half the key size of the PRF; this is enough for all. */
export const NONCE_BYTES = 32;
const MOST_NONCE_BYTES = 256;
const LEAST_NONCE_BYTES = 16;

export function isNonce({ length }: Uint8Array): boolean {
  return length >= LEAST_NONCE_BYTES && length <= MOST_NONCE_BYTES;
}

export function generate(crypto: CryptoProvider, group: number): KeyShare {
  const method = crypto.keyExchange(group);
  if (method === undefined) throw new RangeError(`no key exchange for group ${group}`);
  return method.generate();
}

/** @returns undefined where the peer's value is no good (RFC 6989) */
export function agree(share: KeyShare, publicValue: Uint8Array): Uint8Array | undefined {
  try {
    return share.agree(publicValue);
  } catch (error) {
    if (error instanceof InvalidKeyExchangeError) return undefined;
    throw error;
  }
}

/** Zeroes the secret. */
export function deriveSecurity(
  crypto: CryptoProvider,
  chosen: ChosenProposal,
  nonces: Nonces,
  spis: { readonly initiator: IkeSpi; readonly responder: IkeSpi },
  secret: Uint8Array,
): IkeSecurity {
  const { prf, cipher } = algorithmsOf(crypto, chosen);
  const seed = skeyseed(prf, nonces, secret);
  const keys = deriveIkeKeys(prf, cipher, seed, nonces, {
    initiator: ikeSpiBytes(spis.initiator),
    responder: ikeSpiBytes(spis.responder),
  });
  secret.fill(0);
  seed.fill(0);
  return { chosen, prf, cipher, keys, nextIv: 0 };
}

export function algorithmsOf(
  crypto: CryptoProvider,
  { prfId, encryption, integrityId }: ChosenProposal,
): Pick<IkeSecurity, 'prf' | 'cipher'> {
  const prf = crypto.prf(prfId);
  const cipher = crypto.ikeCipher(encryption.id, encryption.keyBits, integrityId);
  // The configuration accepts only what the provider has.
  if (prf === undefined || cipher === undefined) throw new RangeError('the chosen algorithms are not there');
  return { prf, cipher };
}
