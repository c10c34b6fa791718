// RFC 6040 §4.2, figure 4, every cell, in both families.

import { describe, expect, test } from 'vitest';
import { decapsulateEcn, readTrafficClass } from '../../../src/dataplane/ecn.ts';
import { internetChecksum, ipPacket } from '../../support/packets.ts';

const NOT_ECT = 0;
const ECT_1 = 1;
const ECT_0 = 2;
const CE = 3;
const DROP = undefined;

/** Rows: inner; columns: outer Not-ECT, ECT(0), ECT(1), CE. */
const FIGURE_4: readonly (readonly [number, readonly (number | undefined)[]])[] = [
  [NOT_ECT, [NOT_ECT, NOT_ECT, NOT_ECT, DROP]],
  [ECT_0, [ECT_0, ECT_0, ECT_1, CE]],
  [ECT_1, [ECT_1, ECT_1, ECT_1, CE]],
  [CE, [CE, CE, CE, CE]],
];
const OUTER = [NOT_ECT, ECT_0, ECT_1, CE];

describe.each([
  ['IPv4', '10.0.0.1', '10.0.0.2'],
  ['IPv6', 'fd00::1', 'fd00::2'],
])('%s', (_, source, destination) => {
  test.each(FIGURE_4)('inner ECN %i', (inner, results) => {
    results.forEach((result, column) => {
      const packet = ipPacket({
        source,
        destination,
        trafficClass: 0xb8 | inner,
        payload: new Uint8Array(8),
      });
      const accepted = decapsulateEcn(packet, 0, OUTER[column] ?? 0);
      expect(accepted).toBe(result !== DROP);
      expect(readTrafficClass(packet, 0)).toBe(0xb8 | (result ?? inner));
      if (packet.length === 28) expect(internetChecksum(packet.subarray(0, 20))).toBe(0);
    });
  });
});
