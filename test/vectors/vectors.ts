// Reads the vector files of this folder, checks their form, and turns hexadecimal into bytes.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { findEspTransform, type EspTransform } from '../../src/crypto/esp-transform.ts';

const Hex = z.string().regex(/^([0-9a-f]{2})*$/);
const Bytes = Hex.transform((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));
const Algorithm = z.enum(['AES-GCM', 'CHACHA20-POLY1305', 'AES-GMAC']);

const EspFile = z.object({
  source: z.string(),
  algorithm: Algorithm,
  tests: z.array(
    z.object({
      id: z.number(),
      key: Bytes,
      salt: Bytes,
      spi: Hex.length(8),
      /** 4 octets, or 8 with extended sequence numbers. */
      sequence: z.union([Hex.length(8), Hex.length(16)]),
      iv: Bytes,
      /** Inner packet, padding, pad length, next header. */
      plaintext: Bytes,
      packet: Bytes,
    }),
  ),
});

/** RFC 3602 §4: packets without integrity, which stand alone in no SA here. */
const CbcFile = z.object({
  tests: z.array(
    z.object({
      id: z.number(),
      key: Bytes,
      spi: Hex.length(8),
      sequence: Hex.length(8),
      iv: Bytes,
      plaintext: Bytes,
      packet: Bytes,
    }),
  ),
});

const HmacFile = z.object({
  tests: z.array(
    z.object({
      id: z.string(),
      integrity: z.enum(['sha256', 'sha384', 'sha512']),
      key: Bytes,
      data: Bytes,
      icv: Bytes,
    }),
  ),
});

/** One packet of RFC 3602 §4; `packet` ends where an ICV would stand. */
export interface CbcVector {
  readonly id: number;
  readonly key: Uint8Array;
  readonly spi: string;
  readonly sequence: string;
  readonly iv: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly packet: Uint8Array;
}

/** One case of RFC 4868 §2.7.2. */
export interface HmacVector {
  readonly id: string;
  readonly integrity: 'sha256' | 'sha384' | 'sha512';
  readonly key: Uint8Array;
  readonly data: Uint8Array;
  readonly icv: Uint8Array;
}

const AeadFile = z.object({
  source: z.string(),
  algorithm: Algorithm,
  tests: z.array(
    z.object({
      id: z.number(),
      comment: z.string(),
      key: Bytes,
      nonce: Bytes,
      aad: Bytes,
      plaintext: Bytes,
      ciphertext: Bytes,
      tag: Bytes,
      valid: z.boolean(),
    }),
  ),
});

/** One ESP packet as a document prints it. */
export interface EspVector {
  /** File and number in it. */
  readonly name: string;
  readonly transform: EspTransform;
  /** Cipher key, then salt. */
  readonly keyMaterial: Uint8Array;
  readonly spi: number;
  readonly sequence: bigint;
  readonly esn: boolean;
  /** Inner packet, padding, pad length, next header. */
  readonly plaintext: Uint8Array;
  readonly packet: Uint8Array;
}

/** One case of Project Wycheproof; `valid` is false where an implementation must refuse it. */
export interface AeadVector {
  readonly name: string;
  readonly transform: EspTransform;
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly tag: Uint8Array;
  readonly valid: boolean;
}

export function readEspVectors(name: string): readonly EspVector[] {
  const file = EspFile.parse(readJson(name));
  return file.tests.map((vector) => ({
    name: `${name} ${String(vector.id)}`,
    transform: transformOf(file.algorithm, vector.key),
    keyMaterial: Uint8Array.of(...vector.key, ...vector.salt),
    spi: Number.parseInt(vector.spi, 16),
    sequence: BigInt(`0x${vector.sequence}`),
    esn: vector.sequence.length === 16,
    plaintext: vector.plaintext,
    packet: vector.packet,
  }));
}

export function readAeadVectors(name: string): readonly AeadVector[] {
  const file = AeadFile.parse(readJson(name));
  return file.tests.map(({ id, comment, ...vector }) => ({
    ...vector,
    name: `${name} ${String(id)} ${comment}`.trimEnd(),
    transform: transformOf(file.algorithm, vector.key),
  }));
}

export function readCbcVectors(): readonly CbcVector[] {
  return CbcFile.parse(readJson('rfc3602-section-4')).tests;
}

export function readHmacVectors(): readonly HmacVector[] {
  return HmacFile.parse(readJson('rfc4868-section-2.7.2')).tests;
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, `${name}.json`), 'utf8'));
}

function transformOf(algorithm: z.infer<typeof Algorithm>, key: Uint8Array): EspTransform {
  const transform = findEspTransform(transformName(algorithm, 8 * key.length));
  if (transform?.keyBytes !== key.length) throw new Error(`a vector with a key of ${key.length} octets`);
  return transform;
}

function transformName(algorithm: z.infer<typeof Algorithm>, keyBits: number): string {
  switch (algorithm) {
    case 'AES-GCM':
      return `aes${keyBits}gcm16`;
    case 'AES-GMAC':
      return `aes${keyBits}gmac`;
    case 'CHACHA20-POLY1305':
      return 'chacha20poly1305';
  }
}
