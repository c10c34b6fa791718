// The ring between a packet path and a capture: whatever is written and read in whatever order, what is read is what was
// written, in its order, and what is missing was counted.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  allocateRing,
  RingReader,
  RingWriter,
  Side,
  Way,
  type RingPacket,
} from '../../src/dataplane/capture/capture-ring.ts';

const RING_BYTES = 4096;

const packet = fc.record({
  side: fc.constantFrom(Side.inner, Side.outer),
  way: fc.constantFrom(Way.inbound, Way.outbound),
  reason: fc.integer({ min: 0, max: 60 }),
  clockMs: fc.double({ min: 0, max: 2 ** 40, noNaN: true }),
  policy: fc.string({ maxLength: 20 }),
  peer: fc.string({ maxLength: 20 }),
  envelope: fc.uint8Array({ maxLength: 40 }),
  bytes: fc.uint8Array({ maxLength: 1500 }),
});
const step = fc.oneof(
  packet.map((added) => ({ type: 'add' as const, added })),
  fc.constant({ type: 'publish' as const }),
  fc.integer({ min: 1, max: 3000 }).map((most) => ({ type: 'take' as const, most })),
);

/** Strings that UTF-8 can hold. */
const asUtf8 = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');

test.each([100, 65_536])('packets of at most %d bytes come out as they went in', (snapBytes) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const memory = allocateRing(RING_BYTES);
      const writer = new RingWriter(memory);
      const reader = new RingReader(memory);
      const expected: RingPacket[] = [];
      let published = 0;
      let lost = 0;
      let read = 0;
      const take = (most: number): void => {
        for (const one of reader.take(most)) {
          expect(read).toBeLessThan(published);
          expect(one).toEqual(expected[read++]);
        }
      };
      for (const one of steps) {
        if (one.type === 'take') take(one.most);
        else if (one.type === 'publish') {
          writer.publish();
          published = expected.length;
        } else {
          const { policy, peer, bytes, envelope, ...rest } = one.added;
          const names = { policy: Buffer.from(policy), peer: Buffer.from(peer) };
          // Anywhere in a larger array.
          const arena = Buffer.concat([Buffer.alloc(3, 0xee), bytes, Buffer.alloc(3, 0xee)]);
          if (writer.add({ ...rest, ...names, envelope }, arena, 3, bytes.length, snapBytes) < 0) lost++;
          else
            expected.push({
              ...{ ...rest, policy: asUtf8(policy), peer: asUtf8(peer) },
              envelope: Buffer.from(envelope),
              bytes: Buffer.from(bytes.subarray(0, snapBytes)),
              originalBytes: bytes.length,
            });
        }
      }
      writer.publish();
      published = expected.length;
      take(Infinity);
      expect(read).toBe(expected.length);
      expect(reader.lost(Side.inner) + reader.lost(Side.outer)).toBe(lost);
    }),
    { numRuns: 200 },
  );
});

test('a reader that never reads costs the writer nothing but packets', () => {
  const memory = allocateRing(RING_BYTES);
  const writer = new RingWriter(memory);
  const none = new Uint8Array();
  const entry = { side: Side.outer, way: Way.inbound, reason: 0, clockMs: 0 };
  const size = 32 + 64;
  for (let i = 0; i < 1000; i++) {
    writer.add({ ...entry, policy: none, peer: none, envelope: none }, new Uint8Array(64), 0, 64, 64);
    writer.publish();
  }
  const reader = new RingReader(memory);
  const kept = Math.floor(RING_BYTES / size);
  expect(reader.take(Infinity)).toHaveLength(kept);
  expect(reader.lost(Side.outer)).toBe(1000 - kept);
});

test('a reason that is learned later stands in the packet', () => {
  const memory = allocateRing(RING_BYTES);
  const writer = new RingWriter(memory);
  const none = new Uint8Array();
  const names = { policy: none, peer: none, envelope: none };
  const entry = { side: Side.outer, way: Way.outbound, reason: 0, clockMs: 0, ...names };
  const first = writer.add(entry, none, 0, 0, 10);
  writer.add(entry, none, 0, 0, 10);
  writer.changeReason(first, 18);
  writer.publish();
  const [changed, other] = new RingReader(memory).take(Infinity);
  expect(changed).toMatchObject({ reason: 18, side: Side.outer, way: Way.outbound });
  expect(other?.reason).toBe(0);
});
