// The secret that an outbound SA makes unpredictable IVs from: random, one for each time an SA is installed.
// RFC 3602 §3; counter modes have no use for it.

import { randomBytes } from 'node:crypto';
import { ENCR_AES_CBC } from '../crypto/esp-transform.ts';
import type { SaKey } from './engine.ts';

const IV_KEY_BYTES = 32;
const NONE = new Uint8Array(0);

/** Calls `install` with the key, which is zeroed when that returns; empty where the transform needs none. */
export function withIvKey(key: SaKey, install: (ivKey: Uint8Array) => void): void {
  if (key.transform.encryptionId !== ENCR_AES_CBC) {
    install(NONE);
    return;
  }
  const ivKey = key.ivKey === undefined ? randomBytes(IV_KEY_BYTES) : Uint8Array.from(key.ivKey);
  try {
    install(ivKey);
  } finally {
    ivKey.fill(0);
  }
}
