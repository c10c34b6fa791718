// Whole ESP packets of RFC 7634 Appendix A and draft-mcgrew-gcm-test-01 through both engines.
// RFC 4303 §2, §3.3, §3.4; RFC 4106 §3 to §5; RFC 7634 §2.

import { describe, expect, test } from 'vitest';
import { JobStatus } from '../../src/dataplane/batch-memory.ts';
import type { SaKey } from '../../src/dataplane/engine.ts';
import { readEspVectors, type EspVector } from '../vectors/vectors.ts';
import { encryptIndependently } from '../support/independent-esp.ts';
import { ENGINES, EngineUnderTest } from './esp-engines.ts';

const VECTORS = [...readEspVectors('rfc7634-appendix-a'), ...readEspVectors('draft-mcgrew-gcm-test-01')];

/** SPI, sequence number, IV. */
const HEADER_BYTES = 16;

describe.each(ENGINES)('engine: %s', (name) => {
  const engine = new EngineUnderTest(name);

  test.each(VECTORS)('opens $name', (vector) => {
    const opened = engine.open(saKey(vector), vector.packet, sequenceHigh(vector));
    expect(opened.status).toBe(JobStatus.ok);
    expect(opened.plaintext).toEqual(vector.plaintext);
  });

  test.each(VECTORS)('refuses $name where any part of it is changed', (vector) => {
    const { packet } = vector;
    const positions = { spi: 3, sequence: 7, iv: 15, ciphertext: HEADER_BYTES, icv: packet.length - 1 };
    for (const [part, position] of Object.entries(positions)) {
      const changed = Uint8Array.from(packet);
      changed[position] = changed[position]! ^ 1;
      expect(engine.open(saKey(vector), changed, sequenceHigh(vector)).status, part).toBe(
        JobStatus.icvMismatch,
      );
    }
  });

  test.each(VECTORS.filter(({ esn }) => esn))(
    'refuses $name with another high half of the sequence number',
    (vector) => {
      // RFC 4303 §2.2.1: the high half is not sent, but it is authenticated.
      const opened = engine.open(saKey(vector), vector.packet, sequenceHigh(vector) ^ 1);
      expect(opened.status).toBe(JobStatus.icvMismatch);
    },
  );

  // The engines use the sequence number as the IV, the documents other numbers: header and plaintext with its
  // padding are the document's, ciphertext and ICV come from an independent AEAD under the other nonce.
  test.each(VECTORS)('seals the inner packet of $name', (vector) => {
    const sequence = BigInt.asUintN(vector.esn ? 52 : 32, vector.sequence);
    const trailer = vector.plaintext.subarray(-2);
    const inner = vector.plaintext.subarray(0, vector.plaintext.length - 2 - trailer[0]!);
    const sealed = engine.seal(saKey(vector), inner, trailer[1]!, Number(sequence));
    expect(sealed.status).toBe(JobStatus.ok);
    expect(sealed.packet).toEqual(expectedPacket(vector, sequence));
  });

  // RFC 4303 §2.4: as few padding octets as the alignment needs, and they are 1, 2, 3, …
  test.each([
    { innerBytes: 20, padding: [1, 2] },
    { innerBytes: 19, padding: [1, 2, 3] },
    { innerBytes: 18, padding: [] },
    { innerBytes: 17, padding: [1] },
  ])('pads an inner packet of $innerBytes octets with $padding', ({ innerBytes, padding }) => {
    for (const vector of [VECTORS[0]!, VECTORS[1]!]) {
      const inner = vector.plaintext.subarray(0, innerBytes);
      const plaintext = Uint8Array.of(...inner, ...padding, padding.length, 4);
      const sealed = engine.seal(saKey(vector), inner, 4, 7);
      expect(sealed.packet).toEqual(expectedPacket({ ...vector, plaintext }, 7n));
    }
  });
});

function saKey({ transform, spi, esn, keyMaterial }: EspVector): SaKey {
  return { transform, spi, esn, keyMaterial };
}

function sequenceHigh(vector: EspVector): number {
  return Number(vector.sequence >> 32n);
}

function expectedPacket(vector: EspVector, sequence: bigint): Uint8Array {
  const { transform, keyMaterial } = vector;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(vector.spi, 0);
  header.writeUInt32BE(Number(BigInt.asUintN(32, sequence)), 4);
  header.writeBigUInt64BE(sequence, 8);
  const nonce = Buffer.concat([keyMaterial.subarray(transform.keyBytes), header.subarray(8)]);
  // RFC 4106 §5: SPI and sequence number, all 64 bits of it with ESN.
  const aad = vector.esn ? Buffer.concat([header.subarray(0, 4), header.subarray(8)]) : header.subarray(0, 8);
  const key = keyMaterial.subarray(0, transform.keyBytes);
  const body = encryptIndependently(transform, key, nonce, aad, vector.plaintext);
  return Uint8Array.of(...header, ...body);
}
