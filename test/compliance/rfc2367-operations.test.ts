// The operations of RFC 2367 §3.1 on the SAD: what each changes, what it refuses, and when it is done.

import { wholeSequenceSpace } from '../../src/sad/sequence-counter.ts';
import { describe, expect, test } from 'vitest';
import { NO_LIFETIME } from '../../src/spd/sa-lifetime.ts';
import { inboundSa, outboundSa, SadBench } from '../support/sad-bench.ts';

describe('RFC 2367 §3.1.1 SADB_GETSPI', () => {
  test('RFC 2367 §3.1.1: an SPI is random, above 255, and no other SA has it, larval and manual ones included', async () => {
    // A source that has little to say: every SPI comes up again and again.
    let drawn = 0;
    const { sad } = new SadBench({ random: (first, last) => Math.min(last, first + (drawn++ % 7)) });
    await sad.add(inboundSa({ spi: 258 }));
    const spis = Array.from({ length: 6 }, () => sad.getSpi('far'));
    expect(new Set(spis).size).toBe(6);
    expect(spis).not.toContain(258);
    expect(Math.min(...spis)).toBeGreaterThan(255);
  });

  test('RFC 2367 §3.1.1: the default source covers the whole range', () => {
    const { sad } = new SadBench();
    const spis = Array.from({ length: 2000 }, () => sad.getSpi('far'));
    expect(new Set(spis).size).toBe(2000);
    for (let part = 0; part < 16; part++)
      expect(spis.filter((spi) => spi >>> 28 === part).length).toBeGreaterThan(60);
  });

  test('RFC 2367 §3.1.1: a range is kept to, to its last SPI; then EEXIST', () => {
    const { sad } = new SadBench();
    const range = { first: 5000, last: 5009 };
    const spis = Array.from({ length: 10 }, () => sad.getSpi('far', range));
    expect(spis.toSorted()).toEqual([5000, 5001, 5002, 5003, 5004, 5005, 5006, 5007, 5008, 5009]);
    expect(() => sad.getSpi('far', range)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
  });

  test.each([
    { first: 0, last: 400 },
    { first: 255, last: 400 },
    { first: 400, last: 300 },
    { first: 300, last: 2 ** 32 },
  ])('RFC 4303 §2.1: the range $first to $last is refused', (range) => {
    expect(() => new SadBench().sad.getSpi('far', range)).toThrow(
      expect.objectContaining({ code: 'EINVAL' }),
    );
  });

  test('RFC 2367 §3.1.1: a larval SA carries nothing, is dumped, and ends after its timeout with EXPIRE', async () => {
    const bench = new SadBench({ larvalTimeoutMs: 30_000 });
    const spi = bench.sad.getSpi('far');
    expect(bench.changes).toEqual([]);
    expect([...bench.sad.dump()]).toMatchObject([
      { state: 'larval', spi, peer: 'far', current: { timeMs: 0 } },
    ]);
    bench.nowMs += 29_999;
    expect(bench.sad.tick()).toBe(bench.nowMs + 1);
    expect(bench.expired).toEqual([]);
    bench.nowMs += 1;
    expect(bench.sad.tick()).toBe(Infinity);
    expect(bench.expired).toMatchObject([{ hard: true, cause: 'time', sa: { state: 'larval', spi } }]);
    expect([...bench.sad.dump()]).toEqual([]);
    await expect(bench.sad.update(inboundSa({ spi }))).rejects.toMatchObject({ code: 'ESRCH' });
  });
});

describe('RFC 2367 §3.1.2 SADB_UPDATE', () => {
  test('RFC 2367 §3.1.2: makes the larval SA mature when the data plane has it, and not before', async () => {
    const bench = new SadBench();
    bench.isPrompt = false;
    const spi = bench.sad.getSpi('far');
    let isDone = false;
    const done = bench.sad.update(inboundSa({ spi })).then((view) => {
      isDone = true;
      return view;
    });
    await new Promise(setImmediate);
    expect([isDone, bench.types]).toEqual([false, ['install-inbound']]);
    bench.acknowledge();
    expect(await done).toMatchObject({ state: 'active', spi });
    bench.nowMs += 10 ** 9;
    bench.sad.tick();
    expect(bench.expired).toEqual([]);
  });

  test('RFC 2367 §3.1.2: is refused where another peer reserved the SPI, and for an SA that is mature', async () => {
    const { sad } = new SadBench();
    const spi = sad.getSpi('near');
    await expect(sad.update(inboundSa({ spi }))).rejects.toMatchObject({ code: 'EINVAL' });
    await sad.update(inboundSa({ spi, peer: 'near' }));
    await expect(sad.update(inboundSa({ spi, peer: 'near' }))).rejects.toMatchObject({ code: 'ESRCH' });
  });

  test('RFC 2367 §3.1.2: a larval SA whose completion is wrong stays larval', async () => {
    const { sad, changes } = new SadBench();
    const spi = sad.getSpi('far');
    const wrong = inboundSa({ spi, keyMaterial: new Uint8Array(5) });
    await expect(sad.update(wrong)).rejects.toMatchObject({ code: 'EINVAL' });
    expect([...sad.dump()]).toMatchObject([{ state: 'larval', spi }]);
    expect(changes).toEqual([]);
    expect(await sad.update(inboundSa({ spi }))).toMatchObject({ state: 'active' });
  });

  test('RFC 2367 §3.1.2: changes lifetimes and endpoint of an SA in use; the lifetime counts from its creation', async () => {
    const bench = new SadBench();
    const sa = outboundSa();
    await bench.sad.add(sa);
    bench.nowMs += 500;
    const endpoint = { socket: 0, address: Uint8Array.of(192, 0, 2, 9), port: 61_000 };
    const lifetime = { ...NO_LIFETIME, timeMs: { soft: 8000, hard: 9000 } };
    const view = await bench.sad.amend(sa, { endpoint, lifetime });
    expect(view).toMatchObject({ destination: '192.0.2.9', peerPort: 61_000, hard: { timeMs: 9000 } });
    const [, update] = bench.changes;
    expect(update).toMatchObject({
      type: 'update-outbound',
      update: { limits: { softAtMs: 9000, hardAtMs: 10_000 } },
    });
  });
});

test.each([
  [false, 2 ** 32],
  [true, Number.MAX_SAFE_INTEGER],
])('RFC 4301 §4.4.2: GETSPI, UPDATE and ADD make a pair that IKE keys, ESN %s', async (esn, end) => {
  const bench = new SadBench();
  const origin = { keying: 'ikev2', ikeSpis: { initiator: 'aa', responder: 'bb' } } as const;
  const spi = bench.sad.getSpi('far');
  const inbound = await bench.sad.update(inboundSa({ spi, esn, origin }));
  const block = wholeSequenceSpace(esn);
  const outbound = await bench.sad.add(outboundSa({ inboundSpi: spi, esn, origin, block }));
  expect([inbound.mspi, outbound.mspi]).toEqual([spi, spi]);
  expect([inbound, outbound]).toMatchObject([{ keying: 'ikev2' }, { keying: 'ikev2', sequence: 1 }]);
  const [first, second] = bench.changes;
  expect(first).toMatchObject({ type: 'install-inbound', sa: { spi, tellsFirstPacket: true } });
  expect(second).toMatchObject({ type: 'install-outbound', sa: { block: { first: 1, end } } });
  // Nobody has to supply more numbers.
  expect(second && 'id' in second.sa && bench.sad.nextBlockOf(second.sa)).toBeUndefined();
});

describe('RFC 2367 §3.1.3 SADB_ADD', () => {
  test('RFC 2367 §3.1.3: an SPI that is in use or larval is EEXIST, and nothing was told to the data plane', async () => {
    const { sad, changes } = new SadBench();
    const spi = sad.getSpi('far');
    await expect(sad.add(inboundSa({ spi }))).rejects.toMatchObject({ code: 'EEXIST' });
    await sad.add(inboundSa());
    await expect(sad.add(inboundSa({ peer: 'other' }))).rejects.toMatchObject({ code: 'EEXIST' });
    expect(changes.length).toBe(1);
  });

  test('RFC 4301 §4.1: two peers may choose one outbound SPI, one peer may not use it twice', async () => {
    const { sad } = new SadBench();
    await sad.add(outboundSa());
    await sad.add(outboundSa({ peer: 'other' }));
    await expect(sad.add(outboundSa())).rejects.toMatchObject({ code: 'EEXIST' });
    expect(sad.get({ direction: 'outbound', peer: 'other', spi: 0x1001 }).peer).toBe('other');
  });

  test.each([
    ['an SPI of 255', { spi: 255 }],
    ['half a key', { keyMaterial: new Uint8Array(18) }],
  ])('RFC 2367 §3.1.3: %s is EINVAL', async (_, fields) => {
    const { sad } = new SadBench();
    await expect(sad.add(inboundSa(fields))).rejects.toMatchObject({ code: 'EINVAL' });
  });

  test('RFC 2367 §3.1.3: of several edits at once all are made, or none', async () => {
    const { sad, changes } = new SadBench();
    await sad.add(inboundSa({ spi: 0x3000 }));
    const edits = [
      { type: 'delete', sa: { direction: 'inbound', spi: 0x3000 } },
      { type: 'add', sa: inboundSa({ spi: 0x3000, peer: 'other' }) },
      { type: 'add', sa: inboundSa({ spi: 0x4000 }) },
      { type: 'add', sa: inboundSa({ spi: 0x4000 }) },
    ] as const;
    await expect(sad.edit(edits)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(changes.length).toBe(1);
    expect([...sad.dump()]).toMatchObject([{ spi: 0x3000, peer: 'far', state: 'active' }]);
    await sad.edit(edits.slice(0, 3));
    expect(sad.get({ direction: 'inbound', spi: 0x3000 }).peer).toBe('other');
  });
});

describe('RFC 2367 §3.1.4 to §3.1.8', () => {
  test('RFC 2367 §3.1.4: DELETE is done when the data plane has forgotten the SA; until then its slot is nobody else’s', async () => {
    const bench = new SadBench();
    await bench.sad.add(inboundSa());
    bench.isPrompt = false;
    const deleted = bench.sad.delete(inboundSa());
    const added = bench.sad.add(inboundSa());
    expect(bench.types).toEqual(['install-inbound', 'remove-inbound', 'install-inbound']);
    const [first, , second] = bench.changes;
    expect(second?.sa.slot).not.toBe(first?.sa.slot);
    bench.acknowledge();
    await deleted;
    await added;
    bench.isPrompt = true;
    await bench.sad.add(inboundSa({ spi: 0x5555 }));
    const third = bench.changes.at(-1);
    // Used again, under another number.
    expect(third?.sa.slot).toBe(first?.sa.slot);
    expect(third?.sa.id).not.toBe(first?.sa.id);
  });

  test('RFC 2367 §3.1.4: DELETE of what is not there is ESRCH; of a larval SA it frees the SPI', async () => {
    const { sad } = new SadBench();
    await expect(sad.delete(outboundSa())).rejects.toMatchObject({ code: 'ESRCH' });
    const range = { first: 700, last: 700 };
    await sad.delete({ direction: 'inbound', spi: sad.getSpi('far', range) });
    expect(sad.getSpi('far', range)).toBe(700);
  });

  test('RFC 2367 §3.1.5: GET shows an SA, ESRCH where there is none, and never a key', async () => {
    const { sad } = new SadBench();
    const sa = inboundSa();
    await sad.add(sa);
    expect(JSON.stringify(sad.get(sa))).not.toContain([...sa.keyMaterial.subarray(0, 4)].join(','));
    expect(Object.keys(sad.get(sa)).filter((name) => /key(?!ing)/i.test(name))).toEqual([]);
    expect(() => sad.get({ direction: 'inbound', spi: 999 })).toThrow(
      expect.objectContaining({ code: 'ESRCH' }),
    );
  });

  test('RFC 2367 §3.1.9: FLUSH removes every SA, or those of a peer', async () => {
    const { sad } = new SadBench();
    await sad.add(inboundSa());
    await sad.add(outboundSa());
    await sad.add(outboundSa({ peer: 'other' }));
    sad.getSpi('far');
    expect(await sad.flush('far')).toBe(3);
    expect([...sad.dump()]).toMatchObject([{ peer: 'other' }]);
    expect(await sad.flush()).toBe(1);
    expect([...sad.dump()]).toEqual([]);
  });

  test('RFC 2367 §3.1.10: DUMP gives every SA once, in the order in which they came', async () => {
    const { sad } = new SadBench();
    for (let spi = 1000; spi < 1100; spi++) await sad.add(inboundSa({ spi }));
    expect([...sad.dump()].map(({ spi }) => spi)).toEqual(Array.from({ length: 100 }, (_, i) => 1000 + i));
  });

  test('RFC 2367 §3.1.8: EXPIRE tells soft and hard apart, and comes once', async () => {
    const bench = new SadBench();
    await bench.sad.add(inboundSa());
    const sa = bench.changes[0]!.sa;
    bench.sad.expired(sa, false, 'bytes');
    expect(bench.sad.get(inboundSa()).state).toBe('expiring');
    bench.sad.expired(sa, true, 'packets');
    // A worker's word that crossed a DELETE.
    bench.sad.expired(sa, true, 'packets');
    expect(bench.expired).toMatchObject([
      { hard: false, cause: 'bytes', sa: { state: 'expiring' } },
      { hard: true, cause: 'packets', sa: { state: 'dying' } },
    ]);
    expect([...bench.sad.dump()]).toEqual([]);
  });
});
