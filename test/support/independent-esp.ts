// Every ESP transform by node:crypto, from the drawings of RFC 4303 §2, RFC 4106 §5, RFC 4309 §3, RFC 4543 §3 and
// RFC 4868 §2: what the engines are held against. Shares no code with them.

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  timingSafeEqual,
  type CipherCCMTypes,
  type CipherGCMTypes,
} from 'node:crypto';
import type { EspTransform } from '../../src/crypto/esp-transform.ts';
import type { SaKey } from '../../src/dataplane/engine.ts';

/** Cut from the name alone, so that a wrong number in the table of transforms is seen. */
interface Shape {
  readonly kind: 'gcm' | 'ccm' | 'chacha' | 'gmac' | 'cbc' | 'null';
  readonly keyBytes: number;
  readonly saltBytes: number;
  readonly ivBytes: number;
  readonly icvBytes: number;
  /** Name of the hash; '' for a combined mode. */
  readonly hash: string;
}

function shapeOf({ name }: EspTransform): Shape {
  const [, bits = '0', mode = '', icv = '16'] = /^(?:aes(\d+)|null)?(gcm|ccm|gmac)?(\d+)?/.exec(name) ?? [];
  const keyBytes = Number(bits) / 8;
  const hash = /-(sha\d+)$/.exec(name)?.[1] ?? '';
  if (hash !== '') {
    const icvBytes = Number(hash.slice(3)) / 16;
    return keyBytes === 0
      ? { kind: 'null', keyBytes, saltBytes: 0, ivBytes: 0, icvBytes, hash }
      : { kind: 'cbc', keyBytes, saltBytes: 0, ivBytes: 16, icvBytes, hash };
  }
  if (name === 'chacha20poly1305') {
    return { kind: 'chacha', keyBytes: 32, saltBytes: 4, ivBytes: 8, icvBytes: 16, hash };
  }
  if (mode !== 'gcm' && mode !== 'ccm' && mode !== 'gmac') throw new Error(`what is ${name}?`);
  return {
    kind: mode,
    keyBytes,
    saltBytes: mode === 'ccm' ? 3 : 4,
    ivBytes: 8,
    icvBytes: Number(icv),
    hash,
  };
}

/** Cipher key, salt, integrity key. */
function parts({ keyBytes, saltBytes }: Shape, keyMaterial: Uint8Array) {
  return {
    key: keyMaterial.subarray(0, keyBytes),
    salt: keyMaterial.subarray(keyBytes, keyBytes + saltBytes),
    integrityKey: keyMaterial.subarray(keyBytes + saltBytes),
  };
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** SPI and sequence number, with all bits of it where the SA has ESN. */
function header(esn: boolean, packet: Uint8Array, sequenceHigh: number): Buffer {
  const high = esn ? bigEndian(sequenceHigh) : Buffer.of();
  return Buffer.concat([packet.subarray(0, 4), high, packet.subarray(4, 8)]);
}

function hmacOf(shape: Shape, key: SaKey, authenticated: Uint8Array, sequenceHigh: number): Buffer {
  const hmac = createHmac(shape.hash, parts(shape, key.keyMaterial).integrityKey).update(authenticated);
  // RFC 4303 §2.2.1.
  if (key.esn) hmac.update(bigEndian(sequenceHigh));
  return hmac.digest().subarray(0, shape.icvBytes);
}

function aeadName({ kind, keyBytes }: Shape): string {
  if (kind === 'chacha') return 'chacha20-poly1305';
  return `aes-${String(8 * keyBytes)}-${kind === 'ccm' ? 'ccm' : 'gcm'}`;
}

/** @returns ciphertext, then ICV */
export function encryptIndependently(
  transform: EspTransform,
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const shape = shapeOf(transform);
  const options = { authTagLength: shape.icvBytes };
  const cipher = createCipheriv(aeadName(shape) as CipherGCMTypes, key, nonce, options);
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Uint8Array.from(Buffer.concat([ciphertext, cipher.getAuthTag()]));
}

/**
 * Opens an ESP packet.
 * @returns what stands between IV and ICV, decrypted; throws where the ICV is wrong
 */
export function openIndependently(key: SaKey, packet: Uint8Array, sequenceHigh: number): Uint8Array {
  const shape = shapeOf(key.transform);
  const { key: cipherKey, salt } = parts(shape, key.keyMaterial);
  const from = 8 + shape.ivBytes;
  const to = packet.length - shape.icvBytes;
  const [iv, body, icv] = [packet.subarray(8, from), packet.subarray(from, to), packet.subarray(to)];
  if (shape.hash !== '') {
    const expected = hmacOf(shape, key, packet.subarray(0, to), sequenceHigh);
    if (!timingSafeEqual(expected, icv)) throw new Error('wrong ICV');
    if (shape.kind === 'null') return body;
    const decipher = createDecipheriv(`aes-${String(8 * shape.keyBytes)}-cbc`, cipherKey, iv);
    decipher.setAutoPadding(false);
    return Buffer.concat([decipher.update(body), decipher.final()]);
  }
  const aad = header(key.esn, packet, sequenceHigh);
  const nonce = Buffer.concat([salt, iv]);
  const options = { authTagLength: shape.icvBytes };
  const decipher = createDecipheriv(aeadName(shape) as CipherCCMTypes, cipherKey, nonce, options);
  decipher.setAuthTag(icv);
  if (shape.kind === 'gmac') {
    decipher.setAAD(Buffer.concat([aad, iv, body]), { plaintextLength: 0 });
    decipher.final();
    return body;
  }
  decipher.setAAD(aad, { plaintextLength: body.length });
  return Buffer.concat([decipher.update(body), decipher.final()]);
}

/** Makes an ESP packet. @param payload inner packet, padding and trailer, as long as the transform wants */
export function sealIndependently(
  key: SaKey,
  sequence: number,
  iv: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  const shape = shapeOf(key.transform);
  const { key: cipherKey, salt } = parts(shape, key.keyMaterial);
  const high = Math.floor(sequence / 2 ** 32);
  const head = Buffer.concat([bigEndian(key.spi), bigEndian(sequence % 2 ** 32), iv]);
  if (iv.length !== shape.ivBytes) throw new Error(`an IV of ${String(iv.length)} octets`);
  if (shape.hash !== '') {
    let body = payload;
    if (shape.kind === 'cbc') {
      const cipher = createCipheriv(`aes-${String(8 * shape.keyBytes)}-cbc`, cipherKey, iv);
      cipher.setAutoPadding(false);
      body = Buffer.concat([cipher.update(payload), cipher.final()]);
    }
    const authenticated = Buffer.concat([head, body]);
    return Uint8Array.from(Buffer.concat([authenticated, hmacOf(shape, key, authenticated, high)]));
  }
  const aad = header(key.esn, head, high);
  const nonce = Buffer.concat([salt, iv]);
  if (shape.kind === 'gmac') {
    const authenticated = Buffer.concat([aad, iv, payload]);
    const icv = encryptIndependently(key.transform, cipherKey, nonce, authenticated, Buffer.of());
    return Uint8Array.from(Buffer.concat([head, payload, icv]));
  }
  const sealed = encryptIndependently(key.transform, cipherKey, nonce, aad, payload);
  return Uint8Array.from(Buffer.concat([head, sealed]));
}
