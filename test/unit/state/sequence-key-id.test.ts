import { createHash } from 'node:crypto';

import { expect, test } from 'vitest';

import { sequenceKeyId } from '../../../src/state/sequence-key-id.ts';

const key = Uint8Array.from({ length: 36 }, (_, i) => i);

test('is the start of SHA-256 over the domain, the transform and the keying material', () => {
  const expected = createHash('sha256')
    .update('isthmus sequence blocks v1\0aes256gcm16\0')
    .update(key)
    .digest('hex')
    .slice(0, 32);
  expect(sequenceKeyId('aes256gcm16', key)).toBe(expected);
});

test('differs with the transform and with every byte of the keying material, the salt included', () => {
  const ids = new Set([sequenceKeyId('aes256gcm16', key), sequenceKeyId('chacha20poly1305', key)]);
  for (let i = 0; i < key.length; i++) {
    const other = Uint8Array.from(key);
    other[i] = 0xff;
    ids.add(sequenceKeyId('aes256gcm16', other));
  }
  expect(ids.size).toBe(2 + key.length);
});
