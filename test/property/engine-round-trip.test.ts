// The portable engine against itself and against slow and obvious code: cutting, sealing, opening and joining
// give back what went in.

import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ESP_TRANSFORMS, keyMaterialBytes } from '../../src/crypto/esp-transform.ts';
import { JobStatus, NEEDS_CHECKSUM } from '../../src/dataplane/batch-memory.ts';
import { createPortableEngine } from '../../src/dataplane/portable/portable-engine.ts';
import { completePartialChecksum } from '../../src/dataplane/portable/transport-checksum.ts';
import { addToSum, foldSum } from '../../src/wire/checksum.ts';
import { EngineBatch, withoutTrailer } from '../support/engine-batch.ts';
import { internetChecksum } from '../support/packets.ts';
import { Random } from '../support/random.ts';
import { RandomFlow, randomPacket } from '../support/random-packets.ts';
import { cutSuperPacket, layoutOf, withPartialChecksum } from '../support/super-packets.ts';

const OUT = 0;
const IN = 1;

const batch = new EngineBatch((memory) =>
  createPortableEngine(memory, { coalesceTcp: true, coalesceUdp: true }),
);

const seeds = fc.noShrink(fc.integer());

const shapes = fc.record({
  isIpv6: fc.boolean(),
  isTcp: fc.boolean(),
  payloadLength: fc.integer({ min: 1, max: 4000 }),
  withOptions: fc.boolean(),
});

describe('checksums', () => {
  it('are those of the obvious sum', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat({ max: 3 }), (bytes, before) => {
        const moved = new Uint8Array(before + bytes.length);
        moved.set(bytes, before);
        const sum = foldSum(addToSum(0, moved, before, bytes.length));
        expect(~sum & 0xffff).toBe(internetChecksum(bytes));
      }),
    );
  });

  it('hold after a partial one was completed', () => {
    fc.assert(
      fc.property(seeds, shapes, (seed, shape) => {
        const packet = randomPacket(new Random(seed), shape);
        const { networkHeaderLength, isTcp } = layoutOf(packet);
        const partial = Uint8Array.from(withPartialChecksum(packet));
        completePartialChecksum(partial, networkHeaderLength, partial.length, isTcp ? 16 : 6);
        expect(partial).toEqual(Uint8Array.from(packet));
      }),
    );
  });
});

describe('seal and open', () => {
  it('give back the packets that the obvious code cuts', () => {
    fc.assert(
      fc.property(
        seeds,
        shapes,
        fc.integer({ min: 1, max: 1400 }),
        fc.constantFrom(...ESP_TRANSFORMS),
        fc.boolean(),
        (seed, shape, wantedSize, transform, esn) => {
          // No more than 64 segments, to keep the test short.
          const segmentSize = Math.max(wantedSize, Math.ceil(shape.payloadLength / 64));
          const frame = withPartialChecksum(randomPacket(new Random(seed), shape));
          const keyMaterial = randomBytes(keyMaterialBytes(transform));
          const key = { transform, spi: 0x1000, esn, keyMaterial };
          const sequence = esn ? 2 ** 32 - 3 : 1;
          batch.engine.installOutbound(OUT, key);
          batch.engine.installInbound(IN, key);
          batch.engine.grantSequenceNumbers(OUT, sequence, sequence + 64);
          const [sealed] = batch.seal([{ frame, slot: OUT, transform, sequence, segmentSize }]);
          expect(sealed?.status).toBe(JobStatus.ok);
          const opened = batch.open(
            (sealed?.packets ?? []).map((packet, i) => ({
              packet,
              slot: IN,
              transform,
              sequenceHigh: Math.floor((sequence + i) / 2 ** 32),
            })),
          );
          const inner = opened.map(({ plaintext = new Uint8Array(2) }) =>
            Buffer.from(withoutTrailer(plaintext)),
          );
          expect(inner).toEqual(cutSuperPacket(frame, segmentSize));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('coalesce', () => {
  it('makes one super-packet of what was cut from one', () => {
    fc.assert(
      fc.property(
        seeds,
        shapes,
        fc.integer({ min: 1, max: 1400 }),
        fc.boolean(),
        (seed, shape, wantedSize, isPushed) => {
          const segmentSize = Math.max(wantedSize, Math.ceil(shape.payloadLength / 64));
          const packet = randomPacket(new Random(seed), { ...shape, withOptions: false });
          const layout = layoutOf(packet);
          if (layout.isTcp) {
            packet[layout.networkHeaderLength + 12] = 0x50;
            packet[layout.networkHeaderLength + 13] = isPushed ? 0x18 : 0x10;
          }
          const frame = withPartialChecksum(packet);
          const parts = cutSuperPacket(frame, segmentSize);
          const [joined, ...others] = batch.coalesce(parts);
          expect(others).toEqual([]);
          expect(joined?.vectors).toBe(parts.length);
          expect(joined?.bytes).toEqual(parts.length === 1 ? parts[0] : frame);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('loses, changes and reorders nothing of any flow', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 20 }), (seed, flowCount) => {
        const random = new Random(seed);
        const flows = Array.from({ length: flowCount }, (_, port) => new RandomFlow(random, port));
        const packets = Array.from({ length: 200 }, () => random.pick(flows).next());
        const before = packets.map((packet) => Buffer.from(packet));
        const after = batch
          .coalesce(packets)
          .flatMap((frame) =>
            frame.flags === NEEDS_CHECKSUM
              ? cutSuperPacket(frame.bytes, frame.segmentSize)
              : [Buffer.from(frame.bytes)],
          );
        expect(flowsOf(after)).toEqual(flowsOf(before));
      }),
      { numRuns: 60 },
    );
  });
});

/**
 * The packets of each flow in order, in hexadecimal. A packet too short for ports is a flow of its own kind.
 * The identification of a packet with DF is left out: it means nothing (RFC 6864 §4.1), and with it the IPv4
 * checksum; a packet whose IPv4 checksum is wrong keeps both.
 */
function flowsOf(packets: readonly Buffer[]): Map<string, string[]> {
  const flows = new Map<string, string[]>();
  for (const original of packets) {
    const packet = Buffer.from(original);
    const isIpv6 = packet.length > 0 && packet.readUInt8(0) >> 4 === 6;
    const key = isIpv6
      ? packet.toString('hex', 6, 44)
      : packet.toString('hex', 9, 24).replace(/^(..)..../u, '$1');
    if (
      packet.length >= 20 &&
      !isIpv6 &&
      internetChecksum(packet.subarray(0, (packet.readUInt8(0) & 15) * 4)) === 0
    ) {
      if ((packet.readUInt8(6) & 0x40) !== 0) packet.writeUInt16BE(0, 4);
      packet.writeUInt16BE(0, 10);
    }
    const flow = flows.get(key) ?? [];
    flow.push(packet.toString('hex'));
    flows.set(key, flow);
  }
  return flows;
}
