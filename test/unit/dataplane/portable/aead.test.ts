import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ESP_TRANSFORMS } from '../../../../src/crypto/esp-transform.ts';
import { Aead } from '../../../../src/dataplane/portable/aead.ts';

const AEADS = ESP_TRANSFORMS.filter(({ name }) => /gcm|ccm|poly1305/u.test(name));

describe.each(AEADS)('$name', (transform) => {
  const length = transform.keyBytes + transform.saltBytes;
  const encrypted = (aead: Aead): Uint8Array => {
    const bytes = new Uint8Array(8 + 12 + transform.icvBytes).fill(7);
    aead.encrypt(bytes, 0, new Uint8Array(8), 8, 20);
    return bytes;
  };

  it('zeroes key and salt', () => {
    const aead = new Aead(transform, randomBytes(length));
    const zeroKey = new Aead(transform, new Uint8Array(length));
    expect(encrypted(aead)).not.toEqual(encrypted(zeroKey));
    aead.zero();
    // The IV in the nonce is taken from each packet, so only key and salt can make a difference.
    expect(encrypted(aead)).toEqual(encrypted(zeroKey));
  });

  it('leaves the bytes alone where the ICV does not match', () => {
    const aead = new Aead(transform, randomBytes(length));
    const bytes = encrypted(aead);
    const before = bytes.slice();
    expect(aead.decrypt(bytes, 0, Uint8Array.of(1), 8, 20)).toBe(false);
    expect(bytes).toEqual(before);
    expect(aead.decrypt(bytes, 0, new Uint8Array(8), 8, 20)).toBe(true);
    expect(bytes.subarray(8, 20)).toEqual(new Uint8Array(12).fill(7));
  });
});

it('refuses a transform that it does not know', () => {
  const [known] = ESP_TRANSFORMS;
  if (known === undefined) throw new Error('no transforms');
  const unknown = { ...known, name: 'aes256ctr', encryptionId: 13 };
  expect(() => new Aead(unknown, new Uint8Array(known.keyBytes + known.saltBytes))).toThrow(/aes256ctr/u);
});
