// Reads strongswan-ikev2.json: a handshake of two strongSwan with its keys, and what they said each message holds.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { BodyCipher } from '../../src/wire/ike/encrypted.ts';
import type { IkeHeader } from '../../src/wire/ike/ike-header.ts';

export interface IkeHandshake {
  readonly associations: readonly {
    readonly initiatorSpi: string;
    readonly responderSpi: string;
    /** Of AES-256-GCM, with the salt last. */
    readonly initiatorKey: Uint8Array;
    readonly responderKey: Uint8Array;
  }[];
  readonly messages: readonly {
    readonly from: 'a' | 'b';
    readonly exchange: 'IKE_SA_INIT' | 'IKE_AUTH' | 'CREATE_CHILD_SA' | 'INFORMATIONAL';
    readonly kind: 'request' | 'response';
    readonly messageId: number;
    /** In strongSwan's words: `No` is the nonce, `N(…)` a notify. */
    readonly payloads: readonly string[];
    /** One, or the fragments in order. */
    readonly datagrams: readonly Uint8Array[];
  }[];
}

const Bytes = z
  .string()
  .regex(/^([0-9a-f]{2})+$/)
  .transform((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));

const Handshake: z.ZodType<IkeHandshake> = z.object({
  associations: z.array(
    z.object({
      initiatorSpi: z.string(),
      responderSpi: z.string(),
      initiatorKey: Bytes,
      responderKey: Bytes,
    }),
  ),
  messages: z.array(
    z.object({
      from: z.enum(['a', 'b']),
      exchange: z.enum(['IKE_SA_INIT', 'IKE_AUTH', 'CREATE_CHILD_SA', 'INFORMATIONAL']),
      kind: z.enum(['request', 'response']),
      messageId: z.number(),
      payloads: z.array(z.string()),
      datagrams: z.array(Bytes).min(1),
    }),
  ),
});

export function readHandshake(): IkeHandshake {
  const file = join(import.meta.dirname, 'strongswan-ikev2.json');
  return Handshake.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** Whose key the sender of this header encrypts with. */
export function cipherFor({ associations }: IkeHandshake, header: IkeHeader): BodyCipher {
  const sa = associations.find(({ responderSpi }) => responderSpi === header.responderSpi);
  if (sa === undefined) throw new Error(`no keys for ${header.responderSpi}`);
  return aesGcm(header.isFromInitiator ? sa.initiatorKey : sa.responderKey);
}

const IV_BYTES = 8;
const ICV_BYTES = 16;

/** AES-256-GCM as RFC 5282 has it, by OpenSSL; no padding beyond the Pad Length. */
export function aesGcm(keyAndSalt: Uint8Array): BodyCipher {
  const key = keyAndSalt.subarray(0, 32);
  const nonce = (iv: Uint8Array): Uint8Array => Buffer.concat([keyAndSalt.subarray(32), iv]);
  return {
    overheadFor: (innerBytes) => IV_BYTES + innerBytes + 1 + ICV_BYTES,
    encrypt(header, inner) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce(iv)).setAAD(header);
      const sealed = Buffer.concat([cipher.update(inner), cipher.update(Uint8Array.of(0)), cipher.final()]);
      return Buffer.concat([iv, sealed, cipher.getAuthTag()]);
    },
    decrypt(header, body) {
      if (body.length < IV_BYTES + 1 + ICV_BYTES) return undefined;
      const decipher = createDecipheriv('aes-256-gcm', key, nonce(body.subarray(0, IV_BYTES)));
      decipher.setAAD(header).setAuthTag(body.subarray(-ICV_BYTES));
      try {
        const padded = Buffer.concat([
          decipher.update(body.subarray(IV_BYTES, -ICV_BYTES)),
          decipher.final(),
        ]);
        return padded.subarray(0, padded.length - 1 - padded.at(-1)!);
      } catch {
        return undefined;
      }
    },
  };
}
