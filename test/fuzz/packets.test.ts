// Whatever arrives at a packet path: it does not throw, nothing leaves that was not sealed, nothing enters that was
// not authentic, and every packet is counted once, as passed or under the reason why not.

import * as fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { Counter } from '../../src/dataplane/counters.ts';
import type { TunFrame } from '../../src/dataplane/portable/memory-devices.ts';
import { decapsulate, encapsulate } from '../support/esp-peer.ts';
import {
  createSite,
  installPair,
  receive,
  testKey,
  transformNamed,
  usePolicies,
  type TestSite,
} from '../support/packet-path-link.ts';
import { echoRequest } from '../support/packets.ts';
import { policy } from '../support/policies.ts';
import { randomFrame } from '../support/random-frames.ts';
import { Random } from '../support/random.ts';

const RUNS = { numRuns: 10_000 };
const TRANSFORM = transformNamed('aes256gcm16');
const OUTBOUND = { spi: 0x1001, keyMaterial: testKey(TRANSFORM, 1) };
const INBOUND = { spi: 0x2002, keyMaterial: testKey(TRANSFORM, 2) };
const ENDS = { source: '10.0.1.5', destination: '10.0.2.7', sourcePort: 40_000, destinationPort: 53 };
const ENDS_IPV6 = { ...ENDS, source: 'fd00:1::5', destination: 'fd00:2::7' };

let site: TestSite;
/** Of the next authentic packet that arrives. */
let sequence: number;

beforeEach(() => {
  site = createSite('native');
  // Without anti-replay, so that a failing case can be run again by itself.
  installPair(site, { block: { first: 1, end: 2 ** 32 }, replayWindowPackets: 0 });
  usePolicies(site, [policy('tunnel')]);
  sequence = 1;
});

/** A packet as hosts send it, or as they should not. */
const frame = fc.integer().map((seed): TunFrame => {
  const random = new Random(seed);
  return randomFrame(random, random.pick([ENDS, ENDS_IPV6])).frame;
});
const word = fc.oneof(fc.constantFrom(0, 1, 20, 34, 0xffff), fc.nat(100), fc.nat(0xffff));
const offload = fc.record(
  {
    flags: fc.nat(255),
    gsoType: fc.oneof(fc.constantFrom(0, 1, 4, 5, 0x81), fc.nat(255)),
    headerLength: word,
    segmentSize: word,
    checksumStart: word,
    checksumOffset: word,
  },
  { requiredKeys: [] },
);
const mutation = fc.record({
  at: fc.nat(),
  removed: fc.oneof(fc.constant(0), fc.nat(4), fc.nat(100)),
  inserted: fc.uint8Array({ maxLength: 6 }),
});

type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;

function mutated(bytes: Uint8Array, { at, removed, inserted }: Mutation): Buffer {
  const start = at % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, start), inserted, bytes.subarray(start + removed)]);
}

const bytesOfAnyKind = fc.oneof(
  { weight: 8, arbitrary: frame.map(({ bytes }) => bytes) },
  {
    weight: 8,
    arbitrary: fc
      .tuple(frame, fc.array(mutation, { minLength: 1, maxLength: 3 }))
      .map(([{ bytes }, list]) => list.reduce(mutated, Buffer.from(bytes))),
  },
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.nat(65_000).map((length) => new Random(length).bytes(length)) },
);

/** The MSS clamp writes its option and the checksum of a SYN; nothing else may change. */
const CLAMPED_BYTES = 4;

function differentBytes(one: Uint8Array, other: Uint8Array): number {
  if (one.length !== other.length) return Infinity;
  return one.reduce((count, byte, i) => (byte === other[i] ? count : count + 1), 0);
}

const dropped = (): number => Object.values(site.drops()).reduce((sum, count) => sum + count, 0);
const counted = (cell: number): number => site.counters[cell] ?? 0;

/** Packets that were counted since: dropped, passed, or keepalives. */
function countInbound(): number {
  return dropped() + counted(Counter.inboundPackets) + counted(Counter.natKeepalives);
}

test('a frame from the TUN leaves sealed or is counted', () => {
  let sealed = 0;
  fc.assert(
    fc.property(bytesOfAnyKind, offload, fc.boolean(), (bytes, fields, isPlain) => {
      const [drops, packets] = [dropped(), counted(Counter.outboundPackets)];
      expect(site.devices.pushFrame(isPlain ? { bytes } : { ...fields, bytes })).toBe(true);
      site.path.turn();
      const sent = site.datagrams.splice(0);
      expect(dropped() - drops).toBe(sent.length === 0 ? 1 : 0);
      expect(counted(Counter.outboundPackets) - packets).toBe(sent.length);
      for (const datagram of sent) {
        // It throws where the ICV does not match.
        const opened = decapsulate(OUTBOUND, datagram.bytes);
        expect(opened.sequence).toBe(++sealed);
        if (isPlain) expect(differentBytes(opened.inner, bytes)).toBeLessThanOrEqual(CLAMPED_BYTES);
      }
      expect(site.frames.length).toBe(0);
    }),
    RUNS,
  );
  expect(sealed).toBeGreaterThan(RUNS.numRuns / 20);
});

test('a datagram without the key brings nothing to the TUN', () => {
  const esp = encapsulate(INBOUND, { sequence: 1, inner: echoRequest(ENDS) });
  const damagedEsp = fc
    .array(mutation, { minLength: 1, maxLength: 3 })
    .map((list) => list.reduce(mutated, Buffer.from(esp)))
    .filter((bytes) => Buffer.compare(bytes, esp) !== 0);
  const withSpi = fc
    .uint8Array({ maxLength: 300 })
    .map((bytes) => Buffer.concat([esp.subarray(0, 8), bytes]));
  const anything = fc.oneof(fc.uint8Array({ maxLength: 300 }), bytesOfAnyKind, withSpi);
  const segmentLength = fc.oneof(fc.constant(0), fc.nat(100));
  // A damaged packet cut at the right place would be the packet itself again, so it comes in one piece.
  const arriving = fc.oneof(fc.tuple(anything, segmentLength), fc.tuple(damagedEsp, fc.constant(0)));
  fc.assert(
    fc.property(arriving, fc.nat(255), ([bytes, segment], trafficClass) => {
      const before = countInbound();
      receive(site, bytes, segment, trafficClass);
      site.path.turn();
      expect(site.frames.length + site.datagrams.length).toBe(0);
      const segments = segment === 0 ? 1 : Math.max(1, Math.ceil(bytes.length / segment));
      expect(countInbound() - before).toBe(segments);
    }),
    RUNS,
  );
});

test('in a train of anything only what is authentic passes', () => {
  const kinds = fc.constantFrom('authentic', 'damaged', 'foreign', 'IKE', 'noise');
  fc.assert(
    fc.property(fc.array(kinds, { minLength: 1, maxLength: 20 }), fc.integer(), (train, seed) => {
      const random = new Random(seed);
      const wanted: string[] = [];
      const segments = train.map((kind) => {
        // Echo requests are never joined, so that each is a frame of its own.
        const inner = echoRequest(ENDS, sequence & 0xffff);
        const esp = Buffer.from(encapsulate(INBOUND, { sequence: sequence++, inner }));
        const at = kind === 'foreign' ? random.below(4) : random.below(esp.length);
        if (kind === 'authentic') wanted.push(Buffer.from(inner).toString('hex'));
        else if (kind === 'IKE') esp.fill(0, 0, 4);
        else if (kind === 'noise') random.bytes(esp.length).copy(esp);
        else esp[at] = esp[at]! ^ (1 << random.below(8));
        return esp;
      });
      const before = countInbound();
      receive(site, Buffer.concat(segments), segments[0]?.length);
      site.path.turn();
      const frames = site.frames.splice(0).map(({ bytes }) => Buffer.from(bytes).toString('hex'));
      expect(frames).toEqual(wanted);
      expect(countInbound() - before).toBe(train.length);
    }),
    { numRuns: 2000 },
  );
});

test('what a peer with the key seals is a whole packet, or is counted', () => {
  let passed = 0;
  const trailer = fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.record({ nextHeader: fc.oneof(fc.constantFrom(4, 41, 59), fc.nat(255)) }) },
    { weight: 1, arbitrary: fc.record({ padLength: fc.nat(255) }) },
  );
  fc.assert(
    fc.property(bytesOfAnyKind, trailer, fc.nat(3), (inner, fields, trafficClass) => {
      const before = countInbound();
      receive(site, encapsulate(INBOUND, { sequence: sequence++, inner, ...fields }), 0, trafficClass);
      site.path.turn();
      const frames = site.frames.splice(0);
      expect(countInbound() - before).toBe(1);
      expect(frames.length).toBeLessThanOrEqual(1);
      for (const { bytes, gsoType } of frames) {
        passed++;
        expect(gsoType).toBe(0);
        // A wrong pad length can hide the end; what is there is one packet, as long as its header says.
        const packet = Buffer.from(bytes);
        const isIpv4 = packet.readUInt8(0) >> 4 === 4;
        expect(isIpv4 ? packet.readUInt16BE(2) : packet.readUInt16BE(4) + 40).toBe(packet.length);
      }
    }),
    RUNS,
  );
  expect(passed).toBeGreaterThan(RUNS.numRuns / 20);
});
