// RFC 6040: ECN from the inner to the outer header and back, every cell of the RFC's tables, through a whole gateway.

import { describe, expect, test } from 'vitest';
import { ipPacket } from '../support/packets.ts';
import { createTunnelEnd } from '../support/tunnel-pair.ts';

const CODEPOINTS = { 'Not-ECT': 0, 'ECT(1)': 1, 'ECT(0)': 2, CE: 3 } as const;
type Codepoint = keyof typeof CODEPOINTS;

const FAMILIES = [
  ['IPv4', { source: '10.0.1.5', destination: '10.0.2.7' }],
  ['IPv6', { source: 'fd00:1::5', destination: 'fd00:2::7' }],
] as const;
const ENGINES = ['native', 'portable'] as const;

/** Figure 3, normal mode: outgoing outer and inner header. */
const ENCAPSULATION: readonly [inner: Codepoint, outer: Codepoint][] = [
  ['Not-ECT', 'Not-ECT'],
  ['ECT(0)', 'ECT(0)'],
  ['ECT(1)', 'ECT(1)'],
  ['CE', 'CE'],
];

/** Figure 4: rows are the arriving inner header, columns the arriving outer one. */
const COLUMNS: readonly Codepoint[] = ['Not-ECT', 'ECT(0)', 'ECT(1)', 'CE'];
const DECAPSULATION: readonly [inner: Codepoint, results: readonly (Codepoint | 'drop')[]][] = [
  ['Not-ECT', ['Not-ECT', 'Not-ECT', 'Not-ECT', 'drop']],
  ['ECT(0)', ['ECT(0)', 'ECT(0)', 'ECT(1)', 'CE']],
  ['ECT(1)', ['ECT(1)', 'ECT(1)', 'ECT(1)', 'CE']],
  ['CE', ['CE', 'CE', 'CE', 'CE']],
];

const trafficClassOf = (packet: Uint8Array | undefined): number | undefined => {
  if (packet === undefined) return undefined;
  const bytes = Buffer.from(packet);
  return bytes[0]! >> 4 === 4 ? bytes[1]! : (bytes.readUInt16BE(0) >> 4) & 0xff;
};

describe.each(ENGINES)('%s engine', (engine) => {
  describe.each(FAMILIES)('inner %s', (_, ends) => {
    test.each(ENCAPSULATION)('RFC 6040 §4.1: inner %s leaves with outer %s', (inner, outer) => {
      const end = createTunnelEnd(engine);
      const packet = ipPacket({ ...ends, trafficClass: CODEPOINTS[inner], payload: new Uint8Array(8) });
      const [left] = end.send(packet);
      expect(left?.trafficClass).toBe(CODEPOINTS[outer]);
      expect(Buffer.from(left?.inner ?? [])).toEqual(Buffer.from(packet));
    });

    test.each(
      DECAPSULATION.flatMap(([inner, results]) =>
        results.map((result, column) => [inner, COLUMNS[column]!, result] as const),
      ),
    )('RFC 6040 §4.2: inner %s in outer %s becomes %s', (inner, outer, result) => {
      const end = createTunnelEnd(engine);
      const back = { source: ends.destination, destination: ends.source };
      const packet = ipPacket({
        ...back,
        trafficClass: 0xb8 | CODEPOINTS[inner],
        payload: new Uint8Array(8),
      });
      const [frame] = end.arrive({ sequence: 1, inner: packet }, CODEPOINTS[outer]);
      expect(trafficClassOf(frame)).toBe(result === 'drop' ? undefined : 0xb8 | CODEPOINTS[result]);
      expect(end.site.drops()).toEqual(result === 'drop' ? { 'inbound-ecn': 1 } : {});
    });
  });
});
