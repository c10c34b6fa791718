// The Internet checksum: a one's complement sum of 16-bit words. RFC 1071, RFC 1624 (incremental update).

/**
 * Adds `length` bytes to a running sum. An odd last byte counts as the high byte of a word, so only the
 * last part of a message may be odd.
 * @param sum below 2^31; a whole packet adds less than 2^32 / 2, so two parts of 64 KiB fit
 */
export function addToSum(sum: number, bytes: Uint8Array, offset: number, length: number): number {
  const evenEnd = offset + (length & ~1);
  for (let at = offset; at < evenEnd; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!;
  if ((length & 1) !== 0) sum += bytes[evenEnd]! << 8;
  return sum;
}

/** Folds the carries of a sum into 16 bits; not complemented. */
export function foldSum(sum: number): number {
  sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  sum = (sum & 0xffff) + (sum >>> 16);
  return (sum & 0xffff) + (sum >>> 16);
}

/**
 * The checksum after one aligned 16-bit word changed (RFC 1624 §3, equation 3).
 * Holds for a whole checksum; for a partial one (pseudo-header sum) the word is not covered and nothing changes.
 */
export function updateChecksum(checksum: number, oldWord: number, newWord: number): number {
  return ~foldSum((~checksum & 0xffff) + (~oldWord & 0xffff) + newWord) & 0xffff;
}
