// Reads the vector files of IKE's cryptography, checks their form, and turns hexadecimal into bytes.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { SignatureScheme } from '../../src/crypto/ike-crypto.ts';

const Bytes = z
  .string()
  .regex(/^([0-9a-f]{2})*$/)
  .transform((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));

const DigestHash = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]);
const Scheme = z.discriminatedUnion('algorithm', [
  z.object({ algorithm: z.literal('rsa-pkcs1'), hash: DigestHash }),
  z.object({ algorithm: z.literal('rsa-pss'), hash: DigestHash, saltBytes: z.number() }),
  z.object({ algorithm: z.literal('ecdsa'), hash: DigestHash, form: z.enum(['der', 'raw']) }),
  z.object({ algorithm: z.literal('ed25519') }),
]);

const Kdf = z.object({
  id: z.string(),
  hash: z.enum(['sha256', 'sha384', 'sha512']),
  ni: Bytes,
  nr: Bytes,
  gir: Bytes,
  girNew: Bytes,
  spii: Bytes,
  spir: Bytes,
  skeyseed: Bytes,
  dkm: Bytes,
  dkmChildSa: Bytes.optional(),
  dkmChildSaDh: Bytes.optional(),
  skeyseedRekey: Bytes,
});

const Hmac = z.object({
  id: z.string(),
  key: Bytes,
  data: Bytes,
  sha256: Bytes,
  sha384: Bytes,
  sha512: Bytes,
});

const Agreement = z.object({
  id: z.string(),
  group: z.number(),
  privateA: Bytes,
  publicA: Bytes.optional(),
  privateB: Bytes.optional(),
  publicB: Bytes,
  shared: Bytes,
});

const PeerValue = z.object({
  id: z.string(),
  group: z.number(),
  private: Bytes,
  peer: Bytes,
  shared: Bytes,
  valid: z.boolean(),
});

const Ecdsa = z.object({
  id: z.string(),
  method: z.number(),
  publicKey: Bytes,
  message: Bytes,
  signature: Bytes,
});

const Packet = z.object({ keyMaterial: Bytes, iv: Bytes, header: Bytes, inner: Bytes, body: Bytes });

const Signatures = z.object({
  keys: z.array(Bytes),
  tests: z.array(
    z.object({
      id: z.string(),
      scheme: Scheme,
      key: z.number(),
      message: Bytes,
      signature: Bytes,
      valid: z.boolean(),
    }),
  ),
});

const Oracle = z.object({
  skPayloads: z.array(
    z.object({
      encryptionId: z.number(),
      keyBits: z
        .number()
        .nullable()
        .transform((bits) => bits ?? undefined),
      integrityId: z.number(),
      encryptionKey: Bytes,
      integrityKey: Bytes,
      iv: Bytes,
      header: Bytes,
      inner: Bytes,
      body: Bytes,
      leastPadding: z.boolean(),
    }),
  ),
  sharedKeyAuths: z.array(
    z.object({
      prfId: z.number(),
      message: Bytes,
      nonce: Bytes,
      skP: Bytes,
      idBody: Bytes,
      sharedSecret: Bytes,
      signedOctets: Bytes,
      auth: Bytes,
    }),
  ),
  signatures: z.array(
    z.object({
      id: z.string(),
      identifier: Bytes,
      publicKey: Bytes,
      privateKey: Bytes,
      octets: Bytes,
      authData: Bytes,
    }),
  ),
});

const Strongswan = z.object({
  associations: z.array(z.object({ initiatorSpi: z.string(), initiatorKey: Bytes, responderKey: Bytes })),
  messages: z.array(z.object({ datagrams: z.array(Bytes) })),
});

/** Datagrams of a handshake, and SK_ei and SK_er of the IKE SAs that they belong to. */
export interface StrongswanCapture {
  readonly associations: readonly {
    readonly initiatorSpi: string;
    readonly initiatorKey: Uint8Array;
    readonly responderKey: Uint8Array;
  }[];
  readonly messages: readonly { readonly datagrams: readonly Uint8Array[] }[];
}

export interface KdfVector {
  readonly id: string;
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  readonly ni: Uint8Array;
  readonly nr: Uint8Array;
  readonly gir: Uint8Array;
  readonly girNew: Uint8Array;
  readonly spii: Uint8Array;
  readonly spir: Uint8Array;
  readonly skeyseed: Uint8Array;
  /** SK_d, then the keys that follow it. */
  readonly dkm: Uint8Array;
  readonly dkmChildSa?: Uint8Array | undefined;
  readonly dkmChildSaDh?: Uint8Array | undefined;
  readonly skeyseedRekey: Uint8Array;
}

export interface HmacVector {
  readonly id: string;
  readonly key: Uint8Array;
  readonly data: Uint8Array;
  readonly sha256: Uint8Array;
  readonly sha384: Uint8Array;
  readonly sha512: Uint8Array;
}

/** Two sides of a key exchange. */
export interface AgreementVector {
  readonly id: string;
  readonly group: number;
  readonly privateA: Uint8Array;
  readonly publicA?: Uint8Array | undefined;
  readonly privateB?: Uint8Array | undefined;
  readonly publicB: Uint8Array;
  readonly shared: Uint8Array;
}

/** What a peer may send; `valid` is false where it must be refused. */
export interface PeerValueVector {
  readonly id: string;
  readonly group: number;
  readonly private: Uint8Array;
  readonly peer: Uint8Array;
  readonly shared: Uint8Array;
  readonly valid: boolean;
}

export interface EcdsaVector {
  readonly id: string;
  /** IKEv2 authentication method. */
  readonly method: number;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

export interface IkePacketVector {
  readonly keyMaterial: Uint8Array;
  readonly iv: Uint8Array;
  readonly header: Uint8Array;
  readonly inner: Uint8Array;
  readonly body: Uint8Array;
}

export interface SignatureVectors {
  readonly keys: readonly Uint8Array[];
  readonly tests: readonly {
    readonly id: string;
    readonly scheme: SignatureScheme;
    /** Index in `keys`. */
    readonly key: number;
    readonly message: Uint8Array;
    readonly signature: Uint8Array;
    readonly valid: boolean;
  }[];
}

export interface OracleVectors {
  readonly skPayloads: readonly {
    readonly encryptionId: number;
    readonly keyBits: number | undefined;
    readonly integrityId: number;
    readonly encryptionKey: Uint8Array;
    readonly integrityKey: Uint8Array;
    readonly iv: Uint8Array;
    readonly header: Uint8Array;
    readonly inner: Uint8Array;
    readonly body: Uint8Array;
    readonly leastPadding: boolean;
  }[];
  readonly sharedKeyAuths: readonly {
    readonly prfId: number;
    readonly message: Uint8Array;
    readonly nonce: Uint8Array;
    readonly skP: Uint8Array;
    readonly idBody: Uint8Array;
    readonly sharedSecret: Uint8Array;
    readonly signedOctets: Uint8Array;
    readonly auth: Uint8Array;
  }[];
  readonly signatures: readonly AuthVector[];
}

/** Authentication data of RFC 7427 §3, and one of method 1, which has no identifier. */
export interface AuthVector {
  readonly id: string;
  readonly identifier: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
  readonly octets: Uint8Array;
  readonly authData: Uint8Array;
}

export function readKdfVectors(): readonly KdfVector[] {
  return z.object({ tests: z.array(Kdf) }).parse(readJson('nist-ikev2-kdf')).tests;
}

export function readHmacVectors(): readonly HmacVector[] {
  return z.object({ tests: z.array(Hmac) }).parse(readJson('rfc4231-section-4')).tests;
}

export function readAgreementVectors(
  name: 'rfc5903-section-8' | 'rfc7748-sections-5.2-6',
): readonly AgreementVector[] {
  return z.object({ tests: z.array(Agreement) }).parse(readJson(name)).tests;
}

export function readPeerValues(): readonly PeerValueVector[] {
  return z.object({ tests: z.array(PeerValue) }).parse(readJson('wycheproof-key-exchange')).tests;
}

export function readEcdsaVectors(): readonly EcdsaVector[] {
  return z.object({ tests: z.array(Ecdsa) }).parse(readJson('rfc4754-section-8')).tests;
}

export function readIkePackets(): readonly IkePacketVector[] {
  return z.object({ tests: z.array(Packet) }).parse(readJson('rfc7634-appendix-b')).tests;
}

export function readSignatures(
  name: 'wycheproof-ecdsa' | 'wycheproof-eddsa' | 'wycheproof-rsa',
): SignatureVectors {
  return Signatures.parse(readJson(name));
}

export function readOracle(): OracleVectors {
  return Oracle.parse(readJson('ike-oracle'));
}

export function readStrongswan(): StrongswanCapture {
  return Strongswan.parse(readJson('strongswan-ikev2'));
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, `${name}.json`), 'utf8'));
}
