// What the engines seal, tshark decrypts from a capture: AES-CBC and NULL with HMAC-SHA-2, AES-GCM with each ICV.

import { describe, expect, test } from 'vitest';
import { ESP_TRANSFORMS, keyMaterialBytes } from '../../../src/crypto/esp-transform.ts';
import type { SaKey } from '../../../src/dataplane/engine.ts';
import { ENGINES, EngineUnderTest } from '../../compliance/esp-engines.ts';
import { echoRequest, tcpPacket } from '../../support/packets.ts';
import { isKnownToTshark, judge } from './tshark.ts';

const KEYS: readonly SaKey[] = ESP_TRANSFORMS.filter(({ name }) => isKnownToTshark(name)).map(
  (transform, i) => ({
    transform,
    spi: 0x1000 + i,
    esn: false,
    keyMaterial: Uint8Array.from({ length: keyMaterialBytes(transform) }, (_, at) => (at * 7 + i) & 0xff),
  }),
);
const IPV4 = { source: '10.0.1.5', destination: '10.0.2.7' };
const INNER = [echoRequest(IPV4), tcpPacket(IPV4, { data: new Uint8Array(901).fill(0x5a) })];

test('tshark knows these transforms', () => {
  expect(KEYS.map(({ transform }) => transform.name)).toHaveLength(9 + 9 + 3);
});

describe.each(ENGINES)('engine: %s', (name) => {
  const engine = new EngineUnderTest(name);

  test('tshark decrypts every packet and finds its padding and its ICV', () => {
    const sealed = KEYS.flatMap((key) =>
      engine.sealAll(key, INNER, 1).map((packet, i) => ({ key, packet, inner: INNER[i]! })),
    );
    judge(sealed).forEach(({ inner, padLength, nextHeader, icvGood }, i) => {
      const { key, inner: expected, packet } = sealed[i]!;
      const { ivBytes, icvBytes, integrityKeyBytes } = key.transform;
      expect(inner, key.transform.name).toBe(Buffer.from(expected).toString('hex'));
      expect(padLength).toBe(packet.length - 8 - ivBytes - expected.length - 2 - icvBytes);
      expect(nextHeader).toBe(4);
      if (integrityKeyBytes > 0) expect(icvGood, key.transform.name).toBe(true);
    });
  });

  test('tshark sees a changed octet in the ICV', () => {
    const withHmac = KEYS.filter(({ transform }) => transform.integrityKeyBytes > 0);
    const changed = withHmac.map((key) => {
      const { packet } = engine.seal(key, INNER[0]!, 4, 1);
      packet[packet.length - 1]! ^= 1;
      return { key, packet };
    });
    expect(judge(changed).map(({ icvGood }) => icvGood)).toEqual(withHmac.map(() => false));
  });
});
