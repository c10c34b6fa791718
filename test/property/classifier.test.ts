// The classifier against a naive first-match walk (RFC 4301 §4.4.1), with policies of every form.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddress, type Address, type AddressRange } from '../../src/base/address.ts';
import { compileSpd } from '../../src/spd/compiled-spd.ts';
import { createFlow, readFlow, type Flow } from '../../src/spd/flow.ts';
import { OPAQUE, type NumberRange, type Policy } from '../../src/spd/policy.ts';
import { NO_POLICY, PORTS_NEEDED, SpdSnapshot } from '../../src/spd/snapshot.ts';
import { firstMatch, NONE, UNDECIDED, type DescribedPacket } from '../support/first-match.ts';
import { ipPacket } from '../support/packets.ts';
import { prefix } from '../support/policies.ts';

/** Few addresses, and the borders at which ranges end. */
const IPV4 = ['0.0.0.0', '10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.7', '10.0.0.8', '10.255.255.255', '127.255.255.255', '128.0.0.0', '223.255.255.255', '224.0.0.1', '239.255.255.255', '240.0.0.0', '255.255.255.254', '255.255.255.255']; // prettier-ignore
const IPV6 = ['::', '2001:db8::', '2001:db8::1', '2001:db8::ffff:ffff', '2001:db8:0:1::', '7fff::', '8000::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ff00::', 'ff02::1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']; // prettier-ignore

const addressOf = (text: string): Address => prefix(text).first;
const family = fc.constantFrom(4 as const, 6 as const);
const address = (of: 4 | 6): fc.Arbitrary<Address> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...(of === 4 ? IPV4 : IPV6)).map(addressOf) },
    {
      weight: 1,
      arbitrary: fc
        .uint8Array({ minLength: of === 4 ? 4 : 16, maxLength: of === 4 ? 4 : 16 })
        .map((bytes) => ({ family: of, bytes })),
    },
  );
const addressRange: fc.Arbitrary<AddressRange> = family.chain((of) =>
  fc.oneof(
    address(of).map((one) => ({ first: one, last: one })),
    fc
      .tuple(address(of), address(of))
      .map(([a, b]) =>
        Buffer.compare(a.bytes, b.bytes) <= 0 ? { first: a, last: b } : { first: b, last: a },
      ),
    fc
      .tuple(address(of), fc.integer({ min: 0, max: of === 4 ? 32 : 128 }))
      .map(([one, bits]) => prefix(`${formatAddress(one)}/${String(bits)}`)),
  ),
);
const list = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<readonly T[] | undefined> =>
  fc.option(fc.array(item, { minLength: 1, maxLength: 4 }), { nil: undefined, freq: 2 });
const number = fc.constantFrom(0, 1, 22, 80, 255, 256, 443, 2047, 2048, 2049, 65_534, 65_535);
const numbers: fc.Arbitrary<readonly NumberRange[] | undefined> = fc.oneof(
  fc.constant([OPAQUE]),
  list(fc.tuple(number, number).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }))),
);

/** As a configuration may have them: ports only with a protocol that has them. */
const selectors = fc
  .record({
    localAddress: list(addressRange),
    remoteAddress: list(addressRange),
    protocol: fc.constantFrom(undefined, 6, 17, 1, 58, 47, 132, 135, 60),
    localPort: numbers,
    remotePort: numbers,
    icmp: numbers,
  })
  .map((fields) => {
    const hasPorts = [6, 17, 132].includes(fields.protocol ?? 0);
    const isIcmp = fields.protocol === 1 || fields.protocol === 58;
    return {
      ...fields,
      localPort: hasPorts || fields.protocol === 135 ? fields.localPort : undefined,
      remotePort: hasPorts ? fields.remotePort : undefined,
      icmp: isIcmp ? fields.icmp : undefined,
    };
  });
const policies = fc
  .array(fc.record({ priority: fc.integer({ min: 0, max: 5 }), selectors }), { maxLength: 60 })
  .map((all) =>
    all.map((one, i): Policy => ({ ...one, name: `p${String(i)}`, action: 'DISCARD', sa: undefined })),
  );

const packet: fc.Arbitrary<DescribedPacket> = family.chain((of) =>
  fc
    .record({
      local: address(of),
      remote: address(of),
      protocol: fc.constantFrom(6, 17, 1, 58, 47, 132, 135, undefined),
      localPort: number,
      remotePort: number,
      message: fc.constantFrom(0, 1, 8, 255, 2048, 2049),
      isLaterFragment: fc.boolean(),
    })
    .map((fields) => ({
      ...fields,
      // The protocol can be unseen in IPv6 only, and in later fragments only.
      protocol: fields.protocol ?? (of === 6 && fields.isLaterFragment ? undefined : 6),
      message: fields.protocol === 135 ? fields.message & 0xff : fields.message,
    })),
);

/** Outbound, so the source is local. */
function bytesOf(one: DescribedPacket): Uint8Array {
  const payload = Buffer.alloc(24);
  if (one.protocol === 135) payload[2] = one.message;
  else if (one.protocol === 1 || one.protocol === 58) payload.writeUInt16BE(one.message);
  else if (one.protocol !== 47) {
    payload.writeUInt16BE(one.localPort);
    payload.writeUInt16BE(one.remotePort, 2);
  }
  const ip = { source: formatAddress(one.local), destination: formatAddress(one.remote) };
  const protocol = one.protocol ?? 60;
  if (one.local.family === 4)
    return ipPacket({ ...ip, protocol, payload, fragment: one.isLaterFragment ? 9 : 0 });
  if (!one.isLaterFragment) return ipPacket({ ...ip, protocol, payload });
  const fragmentHeader = Buffer.from([protocol, 0, 0, 9 << 3, 0, 0, 0, 1]);
  return ipPacket({ ...ip, protocol: 44, payload: Buffer.concat([fragmentHeader, payload]) });
}

/** The first one behind an entry is what a walk over those behind it finds. */
function expectNext(
  snapshot: SpdSnapshot,
  flow: Flow,
  rules: readonly Policy[],
  one: DescribedPacket,
  index: number,
): void {
  if (index < 0) return;
  const behind = new Set(snapshot.policies.slice(index + 1).map(({ name }) => name));
  const next = snapshot.lookup(flow, index);
  const found = next === NO_POLICY ? NONE : next === PORTS_NEEDED ? UNDECIDED : snapshot.policies[next]?.name;
  const left = rules.filter(({ name }) => behind.has(name));
  expect(found).toBe(firstMatch(left, one));
}

test('RFC 4301 §4.4.1: the classifier finds what a walk over the ordered list finds', () => {
  const seen = new Set<string>();
  const flow = createFlow();
  fc.assert(
    fc.property(policies, fc.array(packet, { minLength: 1, maxLength: 40 }), (rules, packets) => {
      const snapshot = new SpdSnapshot(compileSpd(1, rules));
      for (const one of packets) {
        const bytes = bytesOf(one);
        expect(readFlow(flow, bytes, 0, bytes.length, true)).toBe(true);
        const index = snapshot.lookup(flow);
        const found =
          index === NO_POLICY ? NONE : index === PORTS_NEEDED ? UNDECIDED : snapshot.policies[index]?.name;
        const expected = firstMatch(rules, one);
        seen.add(expected);
        expect(found).toBe(expected);
        if (one === packets[0]) expectNext(snapshot, flow, rules, one, index);
      }
    }),
    { numRuns: 1500 },
  );
  // The packets met no policy, the undecided, the first and the late ones.
  expect(seen.has(NONE) && seen.has(UNDECIDED) && seen.size > 10).toBe(true);
});
