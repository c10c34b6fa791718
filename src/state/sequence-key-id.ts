// The name under which the sequence numbers of a key are kept: a digest, so that the key itself stays secret
// and an SA that is renamed, or gets another SPI, keeps its counter.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';

const DOMAIN = 'isthmus sequence blocks v1';
const KEY_ID_BYTES = 16;

/**
 * @param transformName name of the ESP transform, `aes256gcm16`
 * @param keyMaterial cipher key and salt; borrowed until return
 * @returns 32 hexadecimal digits
 */
export function sequenceKeyId(transformName: string, keyMaterial: Uint8Array): string {
  // A zero byte ends each name, so that no two inputs share one encoding.
  const digest = sha256(concatBytes(utf8ToBytes(`${DOMAIN}\0${transformName}\0`), keyMaterial));
  return bytesToHex(digest.subarray(0, KEY_ID_BYTES));
}
