// The points of `npm run bench -- spd` are measured with packets that all pass, and that meet what they should; how long
// they take is not looked at.

import { describe, expect, it, vi } from 'vitest';
import { measureBatches, nanosecondsPerPacket } from '../../../scripts/bench/spd/measure.ts';
import { CURVES, DIRECTIONS, SCOPES, type Curve } from '../../../scripts/bench/spd/results.ts';
import { buildSite } from '../../../scripts/bench/spd/site.ts';
import { BATCH_PACKETS, Traffic } from '../../../scripts/bench/spd/traffic.ts';
import { allocateBatchMemory, DEFAULT_BATCH_LIMITS } from '../../../src/dataplane/batch-memory.ts';
import { SaField } from '../../../src/sad/sa-state.ts';
import { SpdSnapshot } from '../../../src/spd/snapshot.ts';

const BATCHES = 3;
const SIZE = { policies: 10, sas: 30 };
const LIMITS = { ...DEFAULT_BATCH_LIMITS, frames: BATCH_PACKETS, datagramsIn: BATCH_PACKETS };

async function newSite() {
  const memory = allocateBatchMemory(LIMITS);
  return { memory, site: await buildSite(SIZE, memory, BATCH_PACKETS) };
}

describe.each(DIRECTIONS)('measureBatches, %s', (direction) => {
  it.each(CURVES.flatMap((curve) => SCOPES.map((scope) => ({ curve, scope }))))(
    '$curve, $scope: every packet passes',
    async ({ curve, scope }) => {
      const { memory, site } = await newSite();
      const traffic = new Traffic(memory, SIZE, direction);
      const times: number[] = [];
      // Throws where a packet is dropped.
      measureBatches({ site, traffic, direction, curve, scope }, BATCHES, times);
      measureBatches({ site, traffic, direction, curve, scope }, BATCHES, times);
      expect(times).toHaveLength(2 * BATCHES);
    },
  );

  it('asks the classifier for every packet of a new flow, and for no packet of a known one', async () => {
    const { memory, site } = await newSite();
    const traffic = new Traffic(memory, SIZE, direction);
    const lookup = vi.spyOn(SpdSnapshot.prototype, 'lookup');
    const lookupsOf = (curve: Curve): number => {
      const measured = { site, traffic, direction, curve, scope: 'decision' as const };
      measureBatches(measured, BATCHES, []);
      lookup.mockClear();
      // One batch that is measured, and those before it.
      measureBatches(measured, BATCHES, []);
      return lookup.mock.calls.length;
    };
    expect(lookupsOf('repeated')).toBe(0);
    expect(lookupsOf('spread')).toBe(0);
    const lookups = lookupsOf('new');
    expect(lookups).toBeGreaterThan(BATCHES * BATCH_PACKETS);
    expect(lookups % BATCH_PACKETS).toBe(0);
    lookup.mockRestore();
  });
});

describe('measureBatches', () => {
  it.each([
    { curve: 'repeated' as const, met: 1 },
    { curve: 'spread' as const, met: SIZE.sas },
    { curve: 'new' as const, met: SIZE.sas },
  ])('$curve: packets of $met inbound SAs', async ({ curve, met }) => {
    const { memory, site } = await newSite();
    const traffic = new Traffic(memory, SIZE, 'inbound');
    measureBatches({ site, traffic, direction: 'inbound', curve, scope: 'path' }, BATCHES, []);
    const packets = Array.from({ length: 2 * SIZE.sas }, (_, slot) => {
      return site.associations.inboundBySlot(slot)?.state[SaField.packets] ?? 0;
    });
    expect(packets.filter((count) => count > 0)).toHaveLength(met);
  });
});

describe('nanosecondsPerPacket', () => {
  it('is the median of the batches', () => {
    expect(nanosecondsPerPacket([0.128, 0.256, 12.8])).toBeCloseTo(2000);
  });
});
