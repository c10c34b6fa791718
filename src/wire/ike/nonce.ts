// The Nonce payload, Ni and Nr, RFC 7296 §3.9: its body is the nonce. Whether it is long enough for the PRF
// (RFC 7296 §2.10) is checked with the PRF.

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import { InvariantError } from '../../base/errors.ts';
import type { NoncePayload } from './payload.ts';

// RFC 7296 §3.9: the bounds of a nonce.
export const MIN_NONCE_BYTES = 16;
export const MAX_NONCE_BYTES = 256;

export function decodeNonce(reader: ByteReader): NoncePayload {
  if (!isNonceLength(reader.remaining)) {
    throw reader.malformed(`the nonce has ${reader.remaining} bytes, not 16 to 256`);
  }
  return { type: 'NONCE', nonce: reader.rest() };
}

export function encodeNonce({ nonce }: NoncePayload, writer: ByteWriter): void {
  if (!isNonceLength(nonce.length))
    throw new InvariantError(`a nonce of ${nonce.length} bytes cannot be sent`);
  writer.bytes(nonce);
}

export function isNonceLength(length: number): boolean {
  return length >= MIN_NONCE_BYTES && length <= MAX_NONCE_BYTES;
}
