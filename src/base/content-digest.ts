// Tells whether a file says the same as before, without keeping what it said.

import { createHash } from 'node:crypto';

/** SHA-256 of the bytes, or of the text as UTF-8; hexadecimal. */
export function contentDigest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
