// What a policy has carried never gets less: over rekeys, ends, rows of memory that are given to others, and refused edits.

import { describe, expect, test } from 'vitest';
import type { PolicyTraffics } from '../../../src/sad/policy-traffic.ts';
import { SaField } from '../../../src/sad/sa-state.ts';
import type { SaChange } from '../../../src/sad/security-association.ts';
import { inboundSa, outboundSa, SadBench } from '../../support/sad-bench.ts';

/** As a worker counts. */
function carry(bench: SadBench, spi: number, packets: number, bytes: number): void {
  const isOf = (change: SaChange): boolean => 'sa' in change && 'spi' in change.sa && change.sa.spi === spi;
  const change = bench.changes.find(isOf);
  if (change === undefined || !('sa' in change) || !('state' in change.sa)) throw new TypeError('no such SA');
  const { state } = change.sa;
  state[SaField.packets]! += packets;
  state[SaField.bytes]! += bytes;
}

/** Later than what was read before. */
function look(bench: SadBench): PolicyTraffics {
  bench.nowMs += 1000;
  return bench.sad.traffic;
}

describe('traffic of a policy', () => {
  test('is of all of its SAs, in both directions, and of no other policy', async () => {
    const bench = new SadBench();
    await bench.sad.add(inboundSa({ spi: 500 }));
    await bench.sad.add(outboundSa({ spi: 600 }));
    await bench.sad.add(inboundSa({ spi: 700, policy: 'other' }));
    carry(bench, 500, 3, 300);
    carry(bench, 600, 5, 5000);
    carry(bench, 700, 9, 9);
    const expected = { packetsIn: 3, bytesIn: 300, packetsOut: 5, bytesOut: 5000 };
    expect(look(bench).of('tunnel')).toEqual(expected);
    expect(look(bench).sasOf('tunnel')).toEqual({ inbound: 1, outbound: 1 });
    expect(look(bench).of('nobody')).toMatchObject({ packetsIn: 0, bytesOut: 0 });
  });

  test('stays over a rekey, a hard limit and an end, though rows are used again', async () => {
    const bench = new SadBench();
    const { sad } = bench;
    const totals: number[] = [];
    const note = (): void => void totals.push(look(bench).of('tunnel').bytesIn);
    for (let spi = 500; spi < 505; spi++) {
      await sad.add(inboundSa({ spi }));
      carry(bench, spi, 1, 100);
      note();
      if (spi > 500) await sad.delete({ direction: 'inbound', spi: spi - 1 });
      note();
    }
    const [last] = sad.inbound;
    if (last === undefined) throw new TypeError('no SA is left');
    sad.expired({ slot: last.slot, id: last.id }, true, 'time');
    note();
    expect(totals).toEqual([100, 100, 200, 200, 300, 300, 400, 400, 500, 500, 500]);
    expect(look(bench).sasOf('tunnel')).toEqual({ inbound: 0, outbound: 0 });
  });

  test('counts until the data plane has acknowledged that the SA is gone', async () => {
    const bench = new SadBench();
    await bench.sad.add(inboundSa({ spi: 500 }));
    bench.isPrompt = false;
    const gone = bench.sad.delete({ direction: 'inbound', spi: 500 });
    await new Promise(setImmediate);
    carry(bench, 500, 1, 42);
    expect(look(bench).of('tunnel').bytesIn).toBe(42);
    bench.acknowledge();
    await gone;
    expect(look(bench).of('tunnel').bytesIn).toBe(42);
  });

  test('of an edit that was refused there is none', async () => {
    const bench = new SadBench();
    const { sad } = bench;
    await sad.add(inboundSa({ spi: 500 }));
    const edits = [501, 500].map((spi) => ({ type: 'add', sa: inboundSa({ spi }) }) as const);
    await expect(sad.edit(edits)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(look(bench).sasOf('tunnel')).toEqual({ inbound: 1, outbound: 0 });
  });

  test('of policies that are gone is forgotten with their last SA', async () => {
    const bench = new SadBench();
    const { sad } = bench;
    await sad.add(inboundSa({ spi: 500 }));
    carry(bench, 500, 1, 7);
    look(bench).keepOnly(new Set());
    expect(look(bench).of('tunnel').bytesIn).toBe(7);
    await sad.delete({ direction: 'inbound', spi: 500 });
    look(bench).keepOnly(new Set(['tunnel']));
    expect(look(bench).of('tunnel').bytesIn).toBe(7);
    look(bench).keepOnly(new Set(['other']));
    expect(look(bench).of('tunnel').bytesIn).toBe(0);
  });
});
