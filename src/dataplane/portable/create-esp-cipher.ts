// Which of the portable engine's ciphers carries a transform.

import { AUTH_NONE, ENCR_NULL_AUTH_AES_GMAC } from '../../crypto/esp-transform.ts';
import type { SaKey } from '../engine.ts';
import { CombinedModeCipher } from './combined-mode-cipher.ts';
import { EncryptThenMac } from './encrypt-then-mac.ts';
import type { EspCipher } from './esp-cipher.ts';
import { GmacCipher } from './gmac-cipher.ts';

/**
 * @param key its keying material is copied
 * @param ivKey 32 random bytes for a transform without a counter; copied
 * @throws RangeError for a transform that this engine does not know, or keying material of another length
 */
export function createEspCipher(key: SaKey, ivKey: Uint8Array): EspCipher {
  const { integrityId, encryptionId } = key.transform;
  if (integrityId !== AUTH_NONE) return new EncryptThenMac(key, ivKey);
  if (encryptionId === ENCR_NULL_AUTH_AES_GMAC) return new GmacCipher(key);
  return new CombinedModeCipher(key);
}
