// Coalescing through the native and the portable engine: the same packets, the same frames, vectors and headers.

import { describe, expect, it } from 'vitest';
import { NEEDS_CHECKSUM, OutFrame, Vector } from '../../src/dataplane/batch-memory.ts';
import type { EngineOptions } from '../../src/dataplane/engine.ts';
import {
  breathe,
  DIFFERENTIAL_PACKETS,
  DIFFERENTIAL_SEED,
  DIFFERENTIAL_TIMEOUT_MS,
  EnginePair,
} from '../support/engine-pair.ts';
import { Random } from '../support/random.ts';
import { damaged, RandomFlow, randomPacket } from '../support/random-packets.ts';

const PACKETS_PER_BATCH = 250;

const VARIANTS: readonly EngineOptions[] = [
  { coalesceTcp: true, coalesceUdp: true },
  { coalesceTcp: true, coalesceUdp: false },
  { coalesceTcp: false, coalesceUdp: true },
];

/** Runs of a few flows, with strangers between them. */
function randomBatch(random: Random): Buffer[] {
  const flows = Array.from({ length: random.between(1, 24) }, (_, port) => new RandomFlow(random, port));
  const packets: Buffer[] = [];
  while (packets.length < PACKETS_PER_BATCH) {
    if (random.oneIn(40)) {
      const shape = { isIpv6: random.oneIn(2), isTcp: random.oneIn(2), withOptions: random.oneIn(2) };
      const packet = randomPacket(random, { ...shape, payloadLength: random.below(200) });
      packets.push(random.pick([packet, damaged(random, packet), random.bytes(random.below(80))]));
      continue;
    }
    const flow = random.pick(flows);
    for (let run = random.between(1, random.oneIn(10) ? 70 : 8); run > 0; run--) packets.push(flow.next());
  }
  return packets;
}

describe.each(VARIANTS)('native and portable, TCP $coalesceTcp, UDP $coalesceUdp', (options) => {
  const share = Math.ceil(DIFFERENTIAL_PACKETS / VARIANTS.length);

  it(
    `coalesce ${share} packets alike`,
    async () => {
      const random = new Random(DIFFERENTIAL_SEED);
      const pair = new EnginePair(options);
      let joined = 0;
      let single = 0;
      for (let sent = 0; sent < share;) {
        const packets = randomBatch(random);
        const where = `seed ${DIFFERENTIAL_SEED}, packet ${sent}`;
        const { native, portable } = pair.each((batch) => batch.coalesce(packets));
        expect(portable.length, where).toBe(native.length);
        const vectors = packets.length * Vector.stride;
        const rows = native.length * OutFrame.stride;
        const [a, b] = [pair.native.memory, pair.portable.memory];
        expect(b.outFrames.subarray(0, rows), where).toEqual(a.outFrames.subarray(0, rows));
        expect(b.vectors.subarray(0, vectors), where).toEqual(a.vectors.subarray(0, vectors));
        native.forEach((frame, i) => {
          const same = Buffer.compare(frame.bytes, portable[i]?.bytes ?? Buffer.of()) === 0;
          expect(same, `${where}, frame ${i}`).toBe(true);
          if (frame.flags === NEEDS_CHECKSUM) joined++;
          else single++;
        });
        sent += packets.length;
        await breathe();
      }
      expect(Math.min(joined, single)).toBeGreaterThan(0);
    },
    DIFFERENTIAL_TIMEOUT_MS,
  );
});
