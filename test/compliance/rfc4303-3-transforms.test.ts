// What RFC 4303 §2.8, §3.3.2 and the other rules of §2 and §3, and the documents of the transforms ask of every transform, by both engines and each cipher
// library: published vectors, integrity before decryption, extended sequence numbers, alignment, IVs.

import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  AUTH_NONE,
  ESP_TRANSFORMS,
  findEspTransform,
  keyMaterialBytes,
  largestInnerPacket,
  sealedLength,
  type EspTransform,
} from '../../src/crypto/esp-transform.ts';
import { JobStatus } from '../../src/dataplane/batch-memory.ts';
import type { SaKey } from '../../src/dataplane/engine.ts';
import { openIndependently, sealIndependently } from '../support/independent-esp.ts';
import { readCbcVectors, readEspVectors, readHmacVectors } from '../vectors/vectors.ts';
import { ENGINES, EngineUnderTest } from './esp-engines.ts';
import { ccmEncrypt } from './naive-ccm.ts';

const SPI = 0xfedc_ba98;
const SEQUENCE = 5 * 2 ** 32 + 7;

function transformNamed(name: string): EspTransform {
  const transform = findEspTransform(name);
  if (transform === undefined) throw new Error(`no transform ${name}`);
  return transform;
}

function bytes(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 37 + seed * 101 + (i >> 3)) & 0xff);
}

function saKey(transform: EspTransform, esn: boolean): SaKey {
  return { transform, spi: SPI, esn, keyMaterial: bytes(keyMaterialBytes(transform), 3) };
}

/** Inner bytes with the trailer that a sender puts behind them. */
function withTrailer(transform: EspTransform, inner: Uint8Array, nextHeader = 4): Uint8Array {
  const { alignmentBytes } = transform;
  const padLength = (alignmentBytes - ((inner.length + 2) % alignmentBytes)) % alignmentBytes;
  return Uint8Array.of(
    ...inner,
    ...Array.from({ length: padLength }, (_, i) => i + 1),
    padLength,
    nextHeader,
  );
}

/** Each transform with and without extended sequence numbers. */
const SAS = ESP_TRANSFORMS.flatMap((transform) =>
  [false, true].map((esn) => ({ name: transform.name, transform, esn })),
);

test('RFC 3610 §8: the plain CCM that the engines are held against gives packet vector 1', () => {
  const key = Buffer.from('c0c1c2c3c4c5c6c7c8c9cacbcccdcecf', 'hex');
  const nonce = Buffer.from('00000003020100a0a1a2a3a4a5', 'hex');
  const aad = Buffer.from('0001020304050607', 'hex');
  const text = Buffer.from('08090a0b0c0d0e0f101112131415161718191a1b1c1d1e', 'hex');
  expect(Buffer.from(ccmEncrypt(key, nonce, aad, text, 8)).toString('hex')).toBe(
    '588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0',
  );
});

describe.each(ENGINES)('engine: %s', (name) => {
  const engine = new EngineUnderTest(name);

  describe.each(['sha256', 'sha384', 'sha512'])('with HMAC of %s', (hash) => {
    test.each(readCbcVectors())('RFC 3602 §4: case $id is decrypted', (vector) => {
      const transform = transformNamed(`aes${String(8 * vector.key.length)}-${hash}`);
      const integrityKey = bytes(transform.integrityKeyBytes, 9);
      const spi = Number.parseInt(vector.spi, 16);
      const key = { transform, spi, esn: false, keyMaterial: Uint8Array.of(...vector.key, ...integrityKey) };
      // The document's packets have no ICV; an SA here always has one.
      const icv = createHmac(hash, integrityKey)
        .update(vector.packet)
        .digest()
        .subarray(0, transform.icvBytes);
      const opened = engine.open(key, Uint8Array.of(...vector.packet, ...icv), 0);
      expect(opened.status).toBe(JobStatus.ok);
      expect(opened.plaintext).toEqual(vector.plaintext);
    });
  });

  // SPI and sequence number are the data's first eight octets: an ESP packet with NULL encryption.
  test.each(readHmacVectors())('RFC 4868 §2.7.2: $id', ({ integrity, key: keyMaterial, data, icv }) => {
    const spi = Buffer.from(data).readUInt32BE(0);
    const key = { transform: transformNamed(`null-${integrity}`), spi, esn: false, keyMaterial };
    const packet = Uint8Array.of(...data, ...icv);
    const opened = engine.open(key, packet, 0);
    expect(opened.status).toBe(JobStatus.ok);
    expect(opened.plaintext).toEqual(data.subarray(8));
    packet[packet.length - 1]! ^= 1;
    expect(engine.open(key, packet, 0).status).toBe(JobStatus.icvMismatch);
  });

  test.each(readEspVectors('draft-mcgrew-gcm-test-01-gmac'))('RFC 4543 §3: $name', (vector) => {
    const { transform, spi, esn, keyMaterial, packet, plaintext } = vector;
    const opened = engine.open({ transform, spi, esn, keyMaterial }, packet, 0);
    expect(opened.status).toBe(JobStatus.ok);
    expect(opened.plaintext).toEqual(plaintext);
    for (let at = 0; at < packet.length; at++) {
      const changed = Uint8Array.from(packet);
      changed[at]! ^= 1;
      const { status } = engine.open({ transform, spi, esn, keyMaterial }, changed, 0);
      expect(status, `octet ${String(at)}`).toBe(JobStatus.icvMismatch);
    }
  });

  test.each(SAS.filter(({ transform }) => transform.name.includes('ccm')))(
    'RFC 4309 §3: $name, ESN $esn, as CCM of RFC 3610 has it',
    ({ transform, esn }) => {
      const key = saKey(transform, esn);
      const sequence = esn ? SEQUENCE : 7;
      const inner = bytes(61, 1);
      const { packet } = engine.seal(key, inner, 4, sequence);
      const header = Buffer.from(packet.subarray(0, 16));
      const high = esn ? Uint8Array.of(0, 0, 0, 5) : Uint8Array.of();
      const aad = Uint8Array.of(...header.subarray(0, 4), ...high, ...header.subarray(4, 8));
      // RFC 4309 §4: three octets of salt, eight of IV.
      const nonce = Uint8Array.of(...key.keyMaterial.subarray(transform.keyBytes), ...header.subarray(8));
      const expected = ccmEncrypt(
        key.keyMaterial.subarray(0, transform.keyBytes),
        nonce,
        aad,
        withTrailer(transform, inner),
        transform.icvBytes,
      );
      expect(packet.subarray(16)).toEqual(expected);
    },
  );

  test.each(SAS)('RFC 4303 §3.3: what $name seals, ESN $esn, another implementation opens', (sa) => {
    const key = saKey(sa.transform, sa.esn);
    const sequence = sa.esn ? SEQUENCE : 7;
    const inner = bytes(45, 4);
    const { status, packet } = engine.seal(key, inner, 41, sequence);
    expect(status).toBe(JobStatus.ok);
    const payload = openIndependently(key, packet, Math.floor(sequence / 2 ** 32));
    expect(Uint8Array.from(payload)).toEqual(withTrailer(sa.transform, inner, 41));
  });

  test.each(SAS)('RFC 4303 §3.4: $name, ESN $esn, opens what another implementation seals', (sa) => {
    const { transform, esn } = sa;
    const key = saKey(transform, esn);
    const payload = withTrailer(transform, bytes(45, 4));
    const packet = sealIndependently(key, esn ? SEQUENCE : 7, bytes(transform.ivBytes, 8), payload);
    const opened = engine.open(key, packet, esn ? 5 : 0);
    expect(opened.status).toBe(JobStatus.ok);
    expect(opened.plaintext).toEqual(payload);
  });

  test.each(SAS)('RFC 4303 §3.4.4.1: every octet of a packet of $name, ESN $esn, is authenticated', (sa) => {
    const { transform, esn } = sa;
    const key = saKey(transform, esn);
    const payload = withTrailer(transform, bytes(20, 4));
    const packet = sealIndependently(key, esn ? SEQUENCE : 7, bytes(transform.ivBytes, 8), payload);
    for (let at = 0; at < packet.length; at++) {
      const changed = Uint8Array.from(packet);
      changed[at]! ^= 0x10;
      expect(engine.open(key, changed, esn ? 5 : 0).status, `octet ${String(at)}`).toBe(
        JobStatus.icvMismatch,
      );
    }
  });

  // An attacker who learns how decryption went, by its effect or its time, decrypts CBC octet by octet.
  test.each(SAS.filter(({ transform }) => transform.integrityId !== AUTH_NONE))(
    'RFC 4303 §3.4.4.1: $name, ESN $esn, is verified before anything is decrypted',
    ({ transform, esn }) => {
      const key = saKey(transform, esn);
      const payload = withTrailer(transform, bytes(20, 4));
      const packet = sealIndependently(key, esn ? SEQUENCE : 7, bytes(transform.ivBytes, 8), payload);
      packet[packet.length - 1]! ^= 1;
      const opened = engine.open(key, packet, esn ? 5 : 0);
      expect(opened.status).toBe(JobStatus.icvMismatch);
      const body = packet.subarray(8 + transform.ivBytes, packet.length - transform.icvBytes);
      expect(opened.plaintext).toEqual(body);
    },
  );

  test.each(ESP_TRANSFORMS)(
    'RFC 4303 §2.2.1: $name has the high half of an ESN in its ICV, and only then',
    (transform) => {
      const payload = withTrailer(transform, bytes(30, 2));
      const iv = bytes(transform.ivBytes, 8);
      const extended = saKey(transform, true);
      const packet = sealIndependently(extended, SEQUENCE, iv, payload);
      // The 32 low bits are all that is sent.
      expect(packet.length).toBe(8 + transform.ivBytes + payload.length + transform.icvBytes);
      expect(engine.open(extended, packet, 5).status).toBe(JobStatus.ok);
      for (const high of [0, 4, 6, 0x8000_0005 | 0]) {
        expect(engine.open(extended, packet, high).status, `high half ${String(high)}`).toBe(
          JobStatus.icvMismatch,
        );
      }
      const short = saKey(transform, false);
      expect(engine.open(short, packet, 5).status).toBe(JobStatus.icvMismatch);
      const plain = sealIndependently(short, 7, iv, payload);
      expect(engine.open(short, plain, 0).status).toBe(JobStatus.ok);
    },
  );

  test.each(ESP_TRANSFORMS)(
    'RFC 4303 §2.4, §2.5: $name pads to its alignment, and no further',
    (transform) => {
      const key = saKey(transform, false);
      for (let length = 1; length <= 40; length++) {
        const inner = bytes(length, length);
        const { packet } = engine.seal(key, inner, 4, length);
        const payload = openIndependently(key, packet, 0);
        expect(Uint8Array.from(payload)).toEqual(withTrailer(transform, inner));
        expect(packet.length).toBe(sealedLength(transform, length));
        // One octet more of room is of no use below the next step of the alignment.
        expect(largestInnerPacket(transform, packet.length)).toBeGreaterThanOrEqual(length);
        expect(sealedLength(transform, largestInnerPacket(transform, packet.length))).toBe(packet.length);
      }
    },
  );

  const IV_PACKETS = 1500;

  function ivs(key: SaKey): Buffer[] {
    const inner = Array.from({ length: IV_PACKETS }, () => bytes(20, 1));
    return engine
      .sealAll(key, inner, 1)
      .map((packet) => Buffer.from(packet.subarray(8, 8 + key.transform.ivBytes)));
  }

  test.each(ESP_TRANSFORMS.filter(({ counterMode }) => counterMode))(
    'RFC 4106 §3.1: $name never uses an IV again under a key',
    (transform) => {
      const used = ivs(saKey(transform, true));
      expect(used.map((iv) => Number(iv.readBigUInt64BE()))).toEqual(used.map((_, i) => i + 1));
    },
  );

  test.each(ESP_TRANSFORMS.filter(({ ivBytes }) => ivBytes === 16))(
    'RFC 3602 §3: $name has IVs that are random, and never one again under a key',
    (transform) => {
      const key = saKey(transform, true);
      const first = ivs(key);
      // The same key, numbers and packets: what is known of all of them tells nothing.
      const again = ivs(key);
      const all = [...first, ...again].map((iv) => iv.toString('hex'));
      expect(new Set(all).size).toBe(all.length);
      // Neither do the differences between neighbours, as those of a counter would.
      const differences = first
        .slice(1)
        .map((iv, i) => (iv.readBigUInt64BE(8) - first[i]!.readBigUInt64BE(8)).toString());
      expect(new Set(differences).size).toBe(differences.length);
      // Each of the 128 bits is set about half of the time: within six standard deviations.
      for (let bit = 0; bit < 128; bit++) {
        const set = first.filter((iv) => (iv[bit >> 3]! & (1 << (bit & 7))) !== 0).length;
        expect(Math.abs(set - IV_PACKETS / 2), `bit ${String(bit)}`).toBeLessThan(
          6 * Math.sqrt(IV_PACKETS / 4),
        );
      }
    },
  );

  test.each(['aes256-sha256', 'null-sha256'])('RFC 4303 §1: %s without its integrity is refused', (like) => {
    const transform = { ...transformNamed(like), integrityId: AUTH_NONE, integrityKeyBytes: 0, icvBytes: 0 };
    expect(() => engine.seal(saKey(transform, false), bytes(20, 1), 4, 1)).toThrow(RangeError);
    expect(() => engine.open(saKey(transform, false), bytes(60, 1), 0)).toThrow(RangeError);
  });
});
