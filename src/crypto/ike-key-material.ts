// The keys of an IKE SA and of its Child SAs, and what the AUTH payload signs: RFC 7296 §2.14, §2.15, §2.17, §2.18.
// Pure functions; who calls them owns what they return and zeroes it.

import { equalBytes } from '@noble/ciphers/utils.js';
import { type IkeCipher, type Prf, prfPlus } from './ike-crypto.ts';

/** RFC 7296 §2.14. */
export interface IkeKeys {
  /** Derives the keys of Child SAs and of the IKE SA that follows this one. */
  readonly skD: Uint8Array;
  /** Integrity, of messages of the initiator and of the responder; empty with combined modes. */
  readonly skAi: Uint8Array;
  readonly skAr: Uint8Array;
  /** Encryption, with salt. */
  readonly skEi: Uint8Array;
  readonly skEr: Uint8Array;
  /** For the AUTH payload. */
  readonly skPi: Uint8Array;
  readonly skPr: Uint8Array;
}

/** Nonces without payload headers. In a rekey these are the nonces of that exchange, by who began it. */
export interface Nonces {
  readonly initiator: Uint8Array;
  readonly responder: Uint8Array;
}

/** SKEYSEED = prf(Ni | Nr, g^ir): RFC 7296 §2.14. */
export function skeyseed(prf: Prf, nonces: Nonces, sharedSecret: Uint8Array): Uint8Array {
  const key = concat(nonces.initiator, nonces.responder);
  return prf.compute(key, sharedSecret);
}

/**
 * SKEYSEED of an IKE SA that replaces another, = prf(SK_d (old), g^ir (new) | Ni | Nr): RFC 7296 §2.18.
 * @param oldPrf the PRF of the IKE SA that is replaced
 */
export function rekeySkeyseed(
  oldPrf: Prf,
  oldSkD: Uint8Array,
  nonces: Nonces,
  sharedSecret: Uint8Array,
): Uint8Array {
  return oldPrf.compute(oldSkD, sharedSecret, nonces.initiator, nonces.responder);
}

/**
 * {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+(SKEYSEED, Ni | Nr | SPIi | SPIr): RFC 7296 §2.14.
 * @param spis 8 bytes each
 */
export function deriveIkeKeys(
  prf: Prf,
  cipher: Pick<IkeCipher, 'keyBytes' | 'integrityKeyBytes'>,
  seed: Uint8Array,
  nonces: Nonces,
  spis: { readonly initiator: Uint8Array; readonly responder: Uint8Array },
): IkeKeys {
  const { keyBytes, integrityKeyBytes } = cipher;
  const length = 3 * prf.keyBytes + 2 * integrityKeyBytes + 2 * keyBytes;
  const salt = concat(nonces.initiator, nonces.responder, spis.initiator, spis.responder);
  const stream = prfPlus(prf, seed, salt, length);
  let taken = 0;
  const take = (bytes: number): Uint8Array => stream.slice(taken, (taken += bytes));
  const keys = {
    skD: take(prf.keyBytes),
    skAi: take(integrityKeyBytes),
    skAr: take(integrityKeyBytes),
    skEi: take(keyBytes),
    skEr: take(keyBytes),
    skPi: take(prf.keyBytes),
    skPr: take(prf.keyBytes),
  };
  stream.fill(0);
  return keys;
}

export function zeroIkeKeys(keys: IkeKeys): void {
  for (const key of Object.values(keys) as Uint8Array[]) key.fill(0);
}

/** KEYMAT of a Child SA, RFC 7296 §2.17, as the data plane takes it: cipher key, salt, integrity key. */
export interface ChildKeyMaterial {
  readonly initiatorToResponder: Uint8Array;
  readonly responderToInitiator: Uint8Array;
}

/**
 * KEYMAT = prf+(SK_d, [g^ir (new) |] Ni | Nr): RFC 7296 §2.17.
 * @param bytesPerSa keying material of one SA, salt included
 * @param nonces of the exchange that makes the Child SA
 * @param sharedSecret of the key exchange in a CREATE_CHILD_SA exchange; undefined where there was none
 */
export function childKeyMaterial(
  prf: Prf,
  skD: Uint8Array,
  nonces: Nonces,
  bytesPerSa: number,
  sharedSecret?: Uint8Array,
): ChildKeyMaterial {
  const seed = concat(sharedSecret ?? new Uint8Array(0), nonces.initiator, nonces.responder);
  const stream = prfPlus(prf, skD, seed, 2 * bytesPerSa);
  // The SA from the initiator takes its keys first, encryption before integrity.
  const material = {
    initiatorToResponder: stream.slice(0, bytesPerSa),
    responderToInitiator: stream.slice(bytesPerSa),
  };
  stream.fill(0);
  seed.fill(0);
  return material;
}

/**
 * What the AUTH payload of one side signs: its first message | the other's nonce | prf(SK_p, its ID payload without
 * the generic header): RFC 7296 §2.15.
 * @param message the IKE_SA_INIT message that this side sent, from the IKE header on, octet for octet
 * @param peerNonce the other side's nonce, without payload header
 * @param skP SK_pi for the initiator's octets, SK_pr for the responder's
 * @param idBody ID type, three reserved octets, identification data
 */
export function signedOctets(
  prf: Prf,
  message: Uint8Array,
  peerNonce: Uint8Array,
  skP: Uint8Array,
  idBody: Uint8Array,
): Uint8Array {
  return concat(message, peerNonce, prf.compute(skP, idBody));
}

/** AUTH = prf(prf(Shared Secret, "Key Pad for IKEv2"), signed octets): RFC 7296 §2.15. */
export function sharedKeyAuth(prf: Prf, sharedSecret: Uint8Array, octets: Uint8Array): Uint8Array {
  const key = prf.compute(sharedSecret, KEY_PAD);
  const auth = prf.compute(key, octets);
  key.fill(0);
  return auth;
}

/** Whether `received` is the AUTH of that shared secret; compared in constant time. */
export function sharedKeyAuthMatches(
  prf: Prf,
  sharedSecret: Uint8Array,
  octets: Uint8Array,
  received: Uint8Array,
): boolean {
  return equalBytes(sharedKeyAuth(prf, sharedSecret, octets), received);
}

/** 17 ASCII characters, without a null. */
const KEY_PAD = new TextEncoder().encode('Key Pad for IKEv2');

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
