// Reads the vector files of IKE's cryptography, checks their form, and turns hexadecimal into bytes.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

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

const file = <T extends z.ZodType>(test: T): z.ZodObject<{ tests: z.ZodArray<T> }> =>
  z.object({ tests: z.array(test) });

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

export type Oracle = z.infer<typeof Oracle>;

export const readKdfVectors = (): readonly z.infer<typeof Kdf>[] => read('nist-ikev2-kdf', file(Kdf)).tests;

export const readHmacVectors = (): readonly z.infer<typeof Hmac>[] =>
  read('rfc4231-section-4', file(Hmac)).tests;

export const readAgreementVectors = (
  name: 'rfc5903-section-8' | 'rfc7748-sections-5.2-6',
): readonly z.infer<typeof Agreement>[] => read(name, file(Agreement)).tests;

export const readPeerValues = (): readonly z.infer<typeof PeerValue>[] =>
  read('wycheproof-key-exchange', file(PeerValue)).tests;

export const readEcdsaVectors = (): readonly z.infer<typeof Ecdsa>[] =>
  read('rfc4754-section-8', file(Ecdsa)).tests;

export const readIkePackets = (): readonly z.infer<typeof Packet>[] =>
  read('rfc7634-appendix-b', file(Packet)).tests;

export const readSignatures = (
  name: 'wycheproof-ecdsa' | 'wycheproof-eddsa' | 'wycheproof-rsa',
): z.infer<typeof Signatures> => read(name, Signatures);

export const readOracle = (): Oracle => read('ike-oracle', Oracle);

function read<T extends z.ZodType>(name: string, form: T): z.infer<T> {
  return form.parse(JSON.parse(readFileSync(join(import.meta.dirname, `${name}.json`), 'utf8')));
}
