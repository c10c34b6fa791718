// What a worker does before there is anything to do: it must carry every packet, and leave nothing behind.

import { beforeEach, expect, test, vi } from 'vitest';
import type { BatchMemory } from '../../../src/dataplane/batch-memory.ts';
import { Counter, readDrops } from '../../../src/dataplane/counters.ts';
import type { Engine } from '../../../src/dataplane/engine.ts';
import { loadAddon } from '../../../src/dataplane/native/load-addon.ts';
import { createNativeEngine } from '../../../src/dataplane/native/native-engine.ts';
import { createPortableEngine } from '../../../src/dataplane/portable/portable-engine.ts';
import { Rehearsal } from '../../../src/dataplane/rehearsal/rehearsal.ts';

const OPTIONS = { coalesceTcp: true, coalesceUdp: true };
let engines: Engine[];

beforeEach(() => {
  engines = [];
});

function noting(create: (memory: BatchMemory) => Engine): (memory: BatchMemory) => Engine {
  return (memory) => {
    const engine = create(memory);
    engines.push(engine);
    return engine;
  };
}

test.each([
  ['native', (memory: BatchMemory): Engine => createNativeEngine(loadAddon(), memory, OPTIONS)],
  ['portable', (memory: BatchMemory): Engine => createPortableEngine(memory, OPTIONS)],
] as const)(
  '%s engine: every packet goes out and comes back, and both SAs are gone afterwards',
  (_name, create) => {
    const rehearsal = new Rehearsal(noting(create));
    const [engine] = engines;
    const remove = vi.spyOn(engine!, 'remove');
    let turns = 1;
    while (rehearsal.turn()) turns++;
    const { counters } = rehearsal;
    expect(readDrops(counters)).toEqual({});
    // One of seven frames is cut into three packets, and put together again.
    expect(counters[Counter.outboundPackets]).toBe(turns + 2 * Math.floor(turns / 7));
    expect(counters[Counter.inboundPackets]).toBe(counters[Counter.outboundPackets]);
    expect(rehearsal.framesBack).toBe(turns);
    expect(engines).toHaveLength(1);
    expect(remove.mock.calls.flat().toSorted()).toEqual([0, 1]);
  },
);
