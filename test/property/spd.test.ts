// The SPD against a naive first-match oracle that compares whole packets with whole policies (RFC 4301 §4.4.1).

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AddressRange } from '../../src/base/address.ts';
import { compileSpd } from '../../src/spd/compiled-spd.ts';
import { FlowCache, UNKNOWN_FLOW } from '../../src/spd/flow-cache.ts';
import { continuesFlow, createFlow, readFlow } from '../../src/spd/flow.ts';
import type { NumberRange, Policy } from '../../src/spd/policy.ts';
import { NO_POLICY, PORTS_NEEDED, SpdSnapshot } from '../../src/spd/snapshot.ts';
import { ipPacket } from '../support/packets.ts';

interface Sample {
  readonly family: 4 | 6;
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly laterFragment: boolean;
}

/** Few values, so that ranges meet. */
const small = fc.integer({ min: 0, max: 12 });
const addressOf = (family: 4 | 6, value: number): string =>
  family === 4 ? `10.0.0.${String(value)}` : `fd00::${value.toString(16)}`;
const bytesOf = (family: 4 | 6, value: number): Uint8Array => {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  bytes.set(family === 4 ? [10, 0, 0, value] : [0xfd]);
  bytes[bytes.length - 1] = value;
  return bytes;
};

const family = fc.constantFrom(4 as const, 6 as const);
const range = fc.tuple(small, small).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
const addressRange = fc.tuple(family, range).map(([f, { first, last }]): AddressRange => ({
  first: { family: f, bytes: bytesOf(f, first) },
  last: { family: f, bytes: bytesOf(f, last) },
}));
const list = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<readonly T[] | undefined> =>
  fc.option(fc.array(item, { minLength: 1, maxLength: 3 }), { nil: undefined });

const policies = fc.array(
  fc.record({
    priority: fc.integer({ min: 0, max: 3 }),
    localAddress: list(addressRange),
    remoteAddress: list(addressRange),
    protocol: fc.constantFrom(undefined, 6, 17, 1),
    localPort: list(range),
    remotePort: list(range),
  }),
  { maxLength: 6 },
);
const sample: fc.Arbitrary<Sample> = fc.record({
  family,
  source: small,
  destination: small,
  protocol: fc.constantFrom(6, 17, 1, 47),
  sourcePort: small,
  destinationPort: small,
  laterFragment: fc.boolean(),
});

function packetOf(sample: Sample): Uint8Array {
  const payload = Buffer.alloc(20);
  payload.writeUInt16BE(sample.sourcePort, 0);
  payload.writeUInt16BE(sample.destinationPort, 2);
  return ipPacket({
    source: addressOf(sample.family, sample.source),
    destination: addressOf(sample.family, sample.destination),
    protocol: sample.protocol,
    payload,
    fragment: sample.laterFragment ? 7 : 0,
  });
}

function oracle(rules: readonly Policy[], sample: Sample): string {
  const ordered = rules.map((rule, index) => ({ rule, index }));
  ordered.sort((a, b) => a.rule.priority - b.rule.priority || a.index - b.index);
  const inRanges = (ranges: readonly NumberRange[] | undefined, value: number): boolean =>
    ranges === undefined || ranges.some(({ first, last }) => first <= value && value <= last);
  const inAddresses = (ranges: readonly AddressRange[] | undefined, value: number): boolean =>
    ranges === undefined ||
    ranges.some(
      ({ first, last }) =>
        first.family === sample.family &&
        (first.bytes.at(-1) ?? 0) <= value &&
        value <= (last.bytes.at(-1) ?? 0),
    );
  const fragment = sample.laterFragment && sample.family === 4;
  for (const { rule } of ordered) {
    const { selectors } = rule;
    if (selectors.protocol !== undefined && selectors.protocol !== sample.protocol) continue;
    if (!inAddresses(selectors.localAddress, sample.source)) continue;
    if (!inAddresses(selectors.remoteAddress, sample.destination)) continue;
    const needsPorts = selectors.localPort !== undefined || selectors.remotePort !== undefined;
    if (!needsPorts) return rule.name;
    if (fragment && sample.protocol !== 47) return 'ports needed';
    const hasPorts = sample.protocol === 6 || sample.protocol === 17;
    if (
      hasPorts &&
      inRanges(selectors.localPort, sample.sourcePort) &&
      inRanges(selectors.remotePort, sample.destinationPort)
    )
      return rule.name;
    // Ports without a protocol that has them: the configuration refuses such a policy.
    if (!hasPorts) return 'undefined by this test';
  }
  return 'none';
}

test('the first entry in order decides, for both families, fragments included', () => {
  fc.assert(
    fc.property(policies, fc.array(sample, { maxLength: 20 }), (fields, samples) => {
      const rules = fields.map(({ priority, ...selectors }, index): Policy => ({
        name: `p${String(index)}`,
        priority,
        selectors: { ...selectors, icmp: undefined },
        action: 'DISCARD',
        sa: undefined,
      }));
      const snapshot = new SpdSnapshot(compileSpd(1, rules));
      const flow = createFlow();
      for (const one of samples) {
        const packet = packetOf(one);
        expect(readFlow(flow, packet, 0, packet.length, true)).toBe(true);
        const expected = oracle(rules, one);
        if (expected === 'undefined by this test') continue;
        const index = snapshot.lookup(flow);
        const found =
          index === NO_POLICY
            ? 'none'
            : index === PORTS_NEEDED
              ? 'ports needed'
              : snapshot.policies[index]?.name;
        expect(found).toBe(expected);
      }
    }),
    { numRuns: 500 },
  );
});

test('the flow cache never gives a verdict that was not stored for this flow and generation', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(sample, fc.integer({ min: 1, max: 3 })), { maxLength: 200 }), (steps) => {
      const cache = new FlowCache(16, 12345);
      const stored = new Map<string, number>();
      const flow = createFlow();
      steps.forEach(([one, generation], verdict) => {
        const packet = packetOf(one);
        readFlow(flow, packet, 0, packet.length, true);
        const key = `${String(generation)}/${flow.subarray(0, 11).join()}`;
        const found = cache.find(flow, generation);
        if (found !== UNKNOWN_FLOW) expect(found).toBe(stored.get(key));
        else {
          cache.store(flow, generation, verdict);
          stored.set(key, verdict);
          expect(cache.find(flow, generation)).toBe(verdict);
        }
      });
    }),
  );
});

test('inbound reads the same flow as outbound with the addresses exchanged', () => {
  const outbound = createFlow();
  const inbound = createFlow();
  fc.assert(
    fc.property(sample, (one) => {
      const there = packetOf(one);
      const back = packetOf({
        ...one,
        source: one.destination,
        destination: one.source,
        sourcePort: one.destinationPort,
        destinationPort: one.sourcePort,
      });
      fc.pre(one.protocol !== 1);
      readFlow(outbound, there, 0, there.length, true);
      readFlow(inbound, back, 0, back.length, false);
      expect(inbound).toEqual(outbound);
    }),
  );
});

test('a packet that continues a flow has the selectors of that flow', () => {
  let continued = 0;
  const before = createFlow();
  const after = createFlow();
  // Most pairs are equal but for one byte anywhere in the headers.
  const change = fc.record({ at: fc.nat(60), xor: fc.constantFrom(0, 0, 1, 4, 0x20, 0x80) });
  fc.assert(
    fc.property(sample, fc.boolean(), change, (one, changed, { at, xor }) => {
      const first = packetOf({ ...one, laterFragment: one.laterFragment && changed });
      const second = Buffer.from(first);
      if (changed && at < second.length) second.writeUInt8((second[at] ?? 0) ^ xor, at);
      const bytes = Buffer.concat([first, second]);
      fc.pre(readFlow(before, bytes, 0, first.length, false));
      if (!continuesFlow(bytes, 0, first.length, second.length)) return;
      continued++;
      expect(readFlow(after, bytes, first.length, second.length, false)).toBe(true);
      expect(after).toEqual(before);
    }),
    { numRuns: 2000 },
  );
  expect(continued).toBeGreaterThan(100);
});
