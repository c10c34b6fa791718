import { expect, test } from 'vitest';
import { SaField } from '../../../src/sad/sa-state.ts';
import { inboundSa, outboundSa, SadBench } from '../../support/sad-bench.ts';

test('every SA is told again as it was, and as it has become', async () => {
  const bench = new SadBench();
  const { sad } = bench;
  await sad.add(inboundSa());
  await sad.add(outboundSa());
  const [inbound, outbound] = bench.changes;
  if (outbound?.type !== 'install-outbound') throw new Error('no outbound SA');
  const endpoint = { socket: 1, address: Uint8Array.of(192, 0, 2, 1), port: 4501 };
  await sad.amend({ direction: 'outbound', peer: 'far', spi: 0x1001 }, { endpoint });
  outbound.sa.state[SaField.sequence] = 900;
  const expected = { ...outbound.sa, endpoint, block: { first: 900, end: 2 ** 18 } };
  expect(sad.standing()).toEqual([inbound, { type: 'install-outbound', sa: expected }]);
});

test('the memory that changes with packets is the same', async () => {
  const { sad } = new SadBench();
  await sad.add(inboundSa());
  const [standing] = sad.standing();
  const [record] = sad.inbound;
  if (standing?.type !== 'install-inbound') throw new Error('no inbound SA');
  const { state, replayBitmap } = standing.sa;
  for (const [one, other] of [
    [state, record?.state],
    [replayBitmap, record?.replayBitmap],
  ]) {
    expect(one?.buffer).toBe(other?.buffer);
    expect(one?.byteOffset).toBe(other?.byteOffset);
    expect(one?.length).toBe(other?.length);
  }
});

test('an SA on its way out is not told again, and one on its way in is', async () => {
  const bench = new SadBench();
  const { sad } = bench;
  await sad.add(inboundSa({ spi: 0x3001 }));
  bench.isPrompt = false;
  const changes = [
    sad.delete({ direction: 'inbound', spi: 0x3001 }),
    sad.edit([{ type: 'add', sa: inboundSa({ spi: 0x3002 }) }]),
  ];
  expect(sad.standing().map((change) => 'spi' in change.sa && change.sa.spi)).toEqual([0x3002]);
  bench.acknowledge();
  await Promise.all(changes);
});

test('an edit that nobody executed is undone', async () => {
  const { sad } = new SadBench();
  await sad.add(inboundSa({ spi: 0x3001 }));
  const edits = [
    { type: 'add' as const, sa: inboundSa({ spi: 0x3002 }) },
    { type: 'delete' as const, sa: { direction: 'inbound' as const, spi: 0x3001 } },
  ];
  await expect(sad.edit(edits, () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
  expect([...sad.dump()].map(({ spi, state }) => [spi, state])).toEqual([[0x3001, 'active']]);
  await sad.delete({ direction: 'inbound', spi: 0x3001 });
  expect([...sad.dump()]).toEqual([]);
});
