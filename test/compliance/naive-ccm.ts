// CCM in the plainest way, block by block from the text of RFC 3610 §2: nothing of it but the AES block is a library's.

import { createCipheriv } from 'node:crypto';

const BLOCK_BYTES = 16;

function encryptBlock(key: Uint8Array, block: Uint8Array): Buffer {
  const cipher = createCipheriv(`aes-${String(8 * key.length)}-ecb`, key, null);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}

function toBlocks(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / BLOCK_BYTES) }, (_, i) => {
    const block = new Uint8Array(BLOCK_BYTES);
    block.set(bytes.subarray(BLOCK_BYTES * i, BLOCK_BYTES * (i + 1)));
    return block;
  });
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ b[i]!);
}

/** @param aad at least one octet, fewer than 65280 @returns ciphertext, then ICV */
export function ccmEncrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  icvBytes: number,
): Uint8Array {
  // RFC 3610 §2.2: flags, nonce, length of the message.
  const lengthBytes = 15 - nonce.length;
  const first = new Uint8Array(BLOCK_BYTES);
  first[0] = 0x40 | (((icvBytes - 2) / 2) << 3) | (lengthBytes - 1);
  first.set(nonce, 1);
  for (let i = 0; i < lengthBytes; i++) {
    first[15 - i] = Math.floor(plaintext.length / 2 ** (8 * i)) & 0xff;
  }
  const associated = Uint8Array.of(aad.length >> 8, aad.length & 0xff, ...aad);
  let mac: Uint8Array = new Uint8Array(BLOCK_BYTES);
  for (const block of [first, ...toBlocks(associated), ...toBlocks(plaintext)]) {
    mac = encryptBlock(key, xor(mac, block));
  }
  // RFC 3610 §2.3: key stream blocks; the first one hides the MAC.
  const keyStream = (counter: number): Buffer => {
    const block = new Uint8Array(BLOCK_BYTES);
    block[0] = lengthBytes - 1;
    block.set(nonce, 1);
    block[14] = counter >> 8;
    block[15] = counter & 0xff;
    return encryptBlock(key, block);
  };
  const ciphertext = plaintext.map((byte, i) => byte ^ keyStream(1 + (i >> 4))[i & 15]!);
  return Uint8Array.of(...ciphertext, ...xor(mac, keyStream(0)).subarray(0, icvBytes));
}
