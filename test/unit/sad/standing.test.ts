import { expect, test } from 'vitest';
import { Sad } from '../../../src/sad/sad.ts';
import { SaField } from '../../../src/sad/sa-state.ts';
import { SequenceCounter } from '../../../src/sad/sequence-counter.ts';
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

test('what was not acknowledged is not told: it is sent again by itself', async () => {
  const bench = new SadBench();
  const { sad } = bench;
  await sad.add(inboundSa({ spi: 0x3001 }));
  bench.isPrompt = false;
  const changes = [
    sad.delete({ direction: 'inbound', spi: 0x3001 }),
    sad.edit([{ type: 'add', sa: inboundSa({ spi: 0x3002 }) }]),
  ];
  const spis = (): readonly unknown[] => sad.standing().map((change) => 'spi' in change.sa && change.sa.spi);
  expect(spis()).toEqual([0x3001]);
  bench.acknowledge();
  await Promise.all(changes);
  expect(spis()).toEqual([0x3002]);
});

test('an outbound SA goes on in the block of numbers that it has come to', async () => {
  const bench = new SadBench();
  await bench.sad.add(outboundSa());
  const [change] = bench.changes;
  if (change?.type !== 'install-outbound') throw new Error('no outbound SA');
  const counter = new SequenceCounter(change.sa.state, change.sa.block);
  counter.take(5);
  counter.grant({ first: 2 ** 20, end: 2 ** 21 });
  counter.advance();
  counter.take(7);
  const [standing] = bench.sad.standing();
  expect(standing).toMatchObject({ sa: { block: { first: 2 ** 20 + 7, end: 2 ** 21 } } });
});

test('an SA leads to where its peer was seen, until it is told otherwise', async () => {
  const { sad } = new SadBench();
  const at = (last: number) => ({ socket: 0, address: Uint8Array.of(192, 0, 2, last), port: 4500 });
  const place = (): unknown => {
    const [standing] = sad.standing();
    return standing?.type === 'install-outbound' && standing.sa.endpoint;
  };
  await sad.add(outboundSa({ endpoint: at(1) }));
  expect(place()).toEqual(at(1));
  sad.notePlace('far', at(2));
  expect(place()).toEqual(at(2));
  await sad.amend({ direction: 'outbound', peer: 'far', spi: 0x1001 }, { endpoint: at(3) });
  expect(place()).toEqual(at(3));
});

test('a long edit is in force part by part', async () => {
  const changed: number[] = [];
  const sad = new Sad({
    now: () => 0,
    carrier: {
      apply: (changes) => {
        changed.push(changes.length);
        return changed.length === 2 ? Promise.reject(new Error('gone')) : Promise.resolve();
      },
    },
  });
  const edits = Array.from({ length: 600 }, (_, i) => ({
    type: 'add' as const,
    sa: inboundSa({ spi: 0x4000 + i }),
  }));
  await expect(sad.edit(edits)).rejects.toThrow('gone');
  expect(changed).toEqual([256, 256]);
  expect(sad.standing()).toHaveLength(256);
  expect([...sad.dump()]).toHaveLength(256);
});

test('an SA that has met its end is not brought back by a refused delete', async () => {
  const bench = new SadBench();
  const { sad } = bench;
  await sad.add(inboundSa({ spi: 0x3001 }));
  const { slot, id } = sad.inbound[0] ?? { slot: -1, id: -1 };
  const edit = sad.edit([{ type: 'delete', sa: { direction: 'inbound', spi: 0x3001 } }], async () => {
    sad.expired({ slot, id }, true, 'time');
    await sad.add(inboundSa({ spi: 0x3002 }));
    throw new Error('gone');
  });
  await expect(edit).rejects.toThrow('gone');
  expect([...sad.dump()].map(({ spi }) => spi)).toEqual([0x3002]);
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
