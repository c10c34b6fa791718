// RFC 7296 §2.13 to §2.18: prf+, the keys of IKE SAs and Child SAs, and the AUTH payload of a shared secret, with
// NIST's vectors of the IKEv2 KDF, with an oracle in Python, and with formulas written out. Each with both providers.

import { describe, expect, test } from 'vitest';
import {
  childKeyMaterial,
  deriveIkeKeys,
  rekeySkeyseed,
  sharedKeyAuth,
  sharedKeyAuthMatches,
  signedOctets,
  skeyseed,
  zeroIkeKeys,
} from '../../src/crypto/ike-key-material.ts';
import { prfPlus } from '../../src/crypto/ike-crypto.ts';
import { cipherOf, IKE_CIPHERS, PROVIDERS, PRF_IDS, prfOf } from '../support/crypto-providers.ts';
import { readKdfVectors, readOracle } from '../vectors/ike-vectors.ts';

const PRF_ID = { sha256: 5, sha384: 6, sha512: 7 };
const NIST = readKdfVectors().map((vector) => ({
  ...vector,
  prfId: PRF_ID[vector.hash],
  nonces: { initiator: vector.ni, responder: vector.nr },
  spis: { initiator: vector.spii, responder: vector.spir },
}));
const [RECORD] = readOracle().sharedKeyAuths;

const nonces = { initiator: new Uint8Array(32).fill(1), responder: new Uint8Array(16).fill(2) };
const spis = { initiator: new Uint8Array(8).fill(3), responder: new Uint8Array(8).fill(4) };
const secret = new Uint8Array(32).fill(5);

test('RFC 7296 §2.13: the vectors cover each PRF and the keys of Child SAs', () => {
  expect(new Set(NIST.map(({ prfId }) => prfId))).toEqual(new Set(PRF_IDS));
  expect(NIST.filter(({ dkmChildSaDh }) => dkmChildSaDh !== undefined)).not.toHaveLength(0);
  expect(RECORD).toBeDefined();
});

describe.each(PROVIDERS)('$name', (provider) => {
  describe.each(NIST)('$id', (vector) => {
    const prf = prfOf(provider, vector.prfId);
    const skD = vector.dkm.subarray(0, prf.keyBytes);

    test('RFC 7296 §2.14: SKEYSEED = prf(Ni | Nr, g^ir)', () => {
      expect(skeyseed(prf, vector.nonces, vector.gir)).toEqual(vector.skeyseed);
    });

    test('RFC 7296 §2.14: the keys are taken from prf+ in the order d, ai, ar, ei, er, pi, pr', () => {
      // Any lengths that fill what the vector has: three keys of the PRF, two pairs of the cipher.
      const rest = (vector.dkm.length - 3 * prf.keyBytes) / 2;
      const cipher = { keyBytes: Math.ceil(rest / 3), integrityKeyBytes: Math.floor((2 * rest) / 3) };
      if (rest < 0) {
        // SK_d alone fits.
        const zero = deriveIkeKeys(
          prf,
          { keyBytes: 0, integrityKeyBytes: 0 },
          vector.skeyseed,
          vector.nonces,
          vector.spis,
        );
        expect(zero.skD).toEqual(skD);
        return;
      }
      const keys = deriveIkeKeys(prf, cipher, vector.skeyseed, vector.nonces, vector.spis);
      const inOrder = [keys.skD, keys.skAi, keys.skAr, keys.skEi, keys.skEr, keys.skPi, keys.skPr];
      const joined = Uint8Array.from(Buffer.concat(inOrder));
      expect(joined).toEqual(vector.dkm.subarray(0, joined.length));
      expect(inOrder.map(({ length }) => length)).toEqual([
        prf.keyBytes,
        cipher.integrityKeyBytes,
        cipher.integrityKeyBytes,
        cipher.keyBytes,
        cipher.keyBytes,
        prf.keyBytes,
        prf.keyBytes,
      ]);
    });

    test('RFC 7296 §2.13: prf+ is what it takes, from one octet to all', () => {
      const seed = Buffer.concat([vector.ni, vector.nr, vector.spii, vector.spir]);
      for (const length of [1, prf.outputBytes, prf.outputBytes + 1, vector.dkm.length]) {
        expect(prfPlus(prf, vector.skeyseed, seed, length)).toEqual(vector.dkm.slice(0, length));
      }
    });

    test('RFC 7296 §2.17: KEYMAT of a Child SA, without and with a key exchange', () => {
      for (const [expected, shared] of [
        [vector.dkmChildSa, undefined],
        [vector.dkmChildSaDh, vector.girNew],
      ] as const) {
        if (expected === undefined) continue;
        const half = expected.length / 2;
        expect(childKeyMaterial(prf, skD, vector.nonces, half, shared)).toEqual({
          initiatorToResponder: expected.slice(0, half),
          responderToInitiator: expected.slice(half),
        });
      }
    });

    test('RFC 7296 §2.18: SKEYSEED of a rekey = prf(SK_d (old), g^ir (new) | Ni | Nr)', () => {
      expect(rekeySkeyseed(prf, skD, vector.nonces, vector.girNew)).toEqual(vector.skeyseedRekey);
    });
  });

  test.each(IKE_CIPHERS)(
    'RFC 7296 §2.14: cipher %i %s %i has keys of its lengths, none twice',
    (...transform) => {
      const cipher = cipherOf(provider, ...transform);
      const keys = deriveIkeKeys(prfOf(provider, 6), cipher, secret, nonces, spis);
      expect([keys.skAi.length, keys.skAr.length]).toEqual(Array(2).fill(cipher.integrityKeyBytes));
      expect([keys.skEi.length, keys.skEr.length]).toEqual(Array(2).fill(cipher.keyBytes));
      const present = Object.values<Uint8Array>({ ...keys }).filter(({ length }) => length > 0);
      expect(new Set(present.map((key) => Buffer.from(key).toString('hex'))).size).toBe(present.length);
    },
  );

  test('RFC 7296 §2.14: who is initiator matters, in nonces and in SPIs', () => {
    const prf = prfOf(provider, 5);
    const swap = <T>(pair: { initiator: T; responder: T }): { initiator: T; responder: T } => ({
      initiator: pair.responder,
      responder: pair.initiator,
    });
    expect(skeyseed(prf, swap(nonces), secret)).not.toEqual(skeyseed(prf, nonces, secret));
    const cipher = { keyBytes: 36, integrityKeyBytes: 0 };
    const keys = deriveIkeKeys(prf, cipher, secret, nonces, spis);
    expect(deriveIkeKeys(prf, cipher, secret, nonces, swap(spis)).skD).not.toEqual(keys.skD);
  });

  test('RFC 7296 §2.18: a rekey takes SKEYSEED by the old PRF and the keys by the new one', () => {
    const [oldPrf, newPrf] = [prfOf(provider, 5), prfOf(provider, 7)];
    const seed = rekeySkeyseed(oldPrf, new Uint8Array(32).fill(6), nonces, secret);
    expect(seed).toHaveLength(32);
    const keys = deriveIkeKeys(newPrf, { keyBytes: 36, integrityKeyBytes: 0 }, seed, nonces, spis);
    expect(keys.skD).toHaveLength(64);
    const salt = Buffer.concat([nonces.initiator, nonces.responder, spis.initiator, spis.responder]);
    expect(keys.skD).toEqual(prfPlus(newPrf, seed, salt, 64));
  });

  test('RFC 7296 §2.12: keys are zeroed on request, each of them', () => {
    const keys = deriveIkeKeys(
      prfOf(provider, 5),
      { keyBytes: 16, integrityKeyBytes: 32 },
      secret,
      nonces,
      spis,
    );
    zeroIkeKeys(keys);
    for (const key of Object.values<Uint8Array>({ ...keys })) {
      expect(key).toEqual(new Uint8Array(key.length));
    }
  });

  test.each(readOracle().sharedKeyAuths)('RFC 7296 §2.15: AUTH of a shared secret, PRF $prfId', (vector) => {
    const prf = prfOf(provider, vector.prfId);
    const octets = signedOctets(prf, vector.message, vector.nonce, vector.skP, vector.idBody);
    expect(octets).toEqual(vector.signedOctets);
    expect(sharedKeyAuth(prf, vector.sharedSecret, octets)).toEqual(vector.auth);
    expect(sharedKeyAuthMatches(prf, vector.sharedSecret, octets, vector.auth)).toBe(true);
  });

  test('RFC 7296 §2.15: another secret, other octets, or another length of AUTH do not match', () => {
    const { prfId, sharedSecret, signedOctets: octets, auth } = RECORD!;
    const prf = prfOf(provider, prfId);
    const changed = Uint8Array.from(auth);
    changed[31]! ^= 0x80;
    expect(sharedKeyAuthMatches(prf, Uint8Array.of(...sharedSecret, 0x20), octets, auth)).toBe(false);
    expect(sharedKeyAuthMatches(prf, sharedSecret, octets.subarray(1), auth)).toBe(false);
    expect(sharedKeyAuthMatches(prf, sharedSecret, octets, changed)).toBe(false);
    expect(sharedKeyAuthMatches(prf, sharedSecret, octets, auth.subarray(0, 31))).toBe(false);
    expect(sharedKeyAuthMatches(prf, sharedSecret, octets, new Uint8Array(0))).toBe(false);
  });
});
