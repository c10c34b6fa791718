// Project Wycheproof's AEAD cases: arithmetic corner cases, modified tags, lengths around block boundaries.
//
// A case whose associated data is as long as an ESP header's (8 bytes, 12 with ESN) is an ESP packet, and goes
// through both engines as it is. The rest run on the portable engine's AEAD, which takes any associated data; the
// addon takes none but an ESP header's, so in the native engine their key, nonce and ciphertext stand under an ESP
// header, with an ICV computed for it by an independent AEAD.

import { describe, expect, test } from 'vitest';
import type { EspTransform } from '../../src/crypto/esp-transform.ts';
import { JobStatus } from '../../src/dataplane/batch-memory.ts';
import { Aead } from '../../src/dataplane/portable/aead.ts';
import { readAeadVectors, type AeadVector } from '../vectors/vectors.ts';
import { encryptIndependently } from '../support/independent-esp.ts';
import { ENGINES, EngineUnderTest } from './esp-engines.ts';

const VECTORS = [
  ...readAeadVectors('wycheproof-aes-gcm'),
  ...readAeadVectors('wycheproof-chacha20-poly1305'),
];
const SALT_BYTES = 4;
const SPI = Uint8Array.of(0x12, 0x34, 0x56, 0x78);
const SEQUENCE = Uint8Array.of(0, 0, 0, 9);

/** Shorter than an ESP trailer is no ESP packet. */
const withTrailer = VECTORS.filter(({ plaintext }) => plaintext.length >= 2);
const espShaped = withTrailer.filter(({ aad }) => aad.length === 8 || aad.length === 12);
const validWithTrailer = withTrailer.filter(({ valid }) => valid);

test('the files hold the cases that the tests below count on', () => {
  const counts = [VECTORS, VECTORS.filter(({ valid }) => valid), espShaped, validWithTrailer];
  expect(counts.map((cases) => cases.length)).toEqual([436, 295, 43, 284]);
});

describe('AEAD of the portable engine', () => {
  test.each(VECTORS.filter(({ valid }) => valid))('encrypts $name', (vector) => {
    const { bytes, from, to } = laidOut(vector, vector.plaintext);
    aead(vector).encrypt(bytes, 0, vector.aad, from, to);
    expect(bytes.subarray(from)).toEqual(Uint8Array.of(...vector.ciphertext, ...vector.tag));
  });

  test.each(VECTORS)('decrypts, or refuses, $name', (vector) => {
    const { bytes, from, to } = laidOut(vector, vector.ciphertext);
    expect(aead(vector).decrypt(bytes, 0, vector.aad, from, to)).toBe(vector.valid);
    if (vector.valid) expect(bytes.subarray(from, to)).toEqual(vector.plaintext);
  });
});

describe.each(ENGINES)('engine: %s', (name) => {
  const engine = new EngineUnderTest(name);

  test.each(espShaped)('opens, or refuses, $name as an ESP packet', (vector) => {
    const { aad, ciphertext, tag } = vector;
    const esn = aad.length === 12;
    const header = Uint8Array.of(...aad.subarray(0, 4), ...aad.subarray(-4));
    const opened = open(vector, header, esn, Uint8Array.of(...ciphertext, ...tag));
    expect(opened.status).toBe(vector.valid ? JobStatus.ok : JobStatus.icvMismatch);
    if (vector.valid) expect(opened.plaintext).toEqual(vector.plaintext);
  });

  test.each(validWithTrailer)('opens the ciphertext of $name under an ESP header', (vector) => {
    const { transform, key, nonce, plaintext, ciphertext } = vector;
    const header = Uint8Array.of(...SPI, ...SEQUENCE);
    const body = encryptIndependently(transform, key, nonce, header, plaintext);
    expect(body.subarray(0, ciphertext.length)).toEqual(ciphertext);
    const opened = open(vector, header, false, body);
    expect(opened.status).toBe(JobStatus.ok);
    expect(opened.plaintext).toEqual(plaintext);
  });

  /** @param header SPI and the low half of the sequence number @param body ciphertext and ICV */
  function open(
    vector: AeadVector,
    header: Uint8Array,
    esn: boolean,
    body: Uint8Array,
  ): ReturnType<typeof engine.open> {
    const view = Buffer.from(vector.aad);
    const packet = Uint8Array.of(...header, ...vector.nonce.subarray(SALT_BYTES), ...body);
    const spi = Buffer.from(header).readUInt32BE(0);
    const key = { transform: vector.transform, spi, esn, keyMaterial: keyMaterial(vector) };
    return engine.open(key, packet, esn ? view.readUInt32BE(4) : 0);
  }
});

function keyMaterial({ key, nonce }: AeadVector): Uint8Array {
  return Uint8Array.of(...key, ...nonce.subarray(0, SALT_BYTES));
}

function aead(vector: AeadVector): Aead {
  return new Aead(vector.transform, keyMaterial(vector));
}

/** IV, text, tag one behind the other, as in a packet without its header. */
function laidOut(vector: AeadVector, text: Uint8Array): { bytes: Uint8Array; from: number; to: number } {
  const { ivBytes }: EspTransform = vector.transform;
  const bytes = Uint8Array.of(...vector.nonce.subarray(SALT_BYTES), ...text, ...vector.tag);
  return { bytes, from: ivBytes, to: ivBytes + text.length };
}
