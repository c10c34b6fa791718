// Changes of the SPD-S while a gateway runs (RFC 4301 §4.4.1), in memory: what happens to SAs, flows and the host. The
// rows are those of a table "SPD Maintenance Tasks".

import { writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { SaField } from '../../src/sad/sa-state.ts';
import { addPolicy, changePolicy, deletePolicy, reorderPolicies } from '../../src/spd/spd-edit.ts';
import { reload } from '../../src/gateway/reload.ts';
import { LiveSite, type LivePolicy } from '../support/live-site.ts';
import { echoRequest } from '../support/packets.ts';

let live: LiveSite | undefined;

afterEach(async () => {
  await live?.close();
  live = undefined;
});

const TO_B: LivePolicy = { name: 'to-b', keys: 0, remote: '10.0.2.0/24' };
const TO_C: LivePolicy = { name: 'to-c', keys: 1, remote: '10.0.3.0/24' };

async function start(...policies: LivePolicy[]): Promise<LiveSite> {
  live = await LiveSite.start(policies);
  return live;
}

/** Sends a packet and says by which SPI it left; a word where it did not. */
function spiTo({ site }: LiveSite, destination: string): number | string {
  const before = site.drops();
  site.devices.pushFrame({ bytes: echoRequest({ source: '10.0.1.5', destination }) });
  site.path.turn();
  const sent = site.datagrams.splice(0)[0];
  if (sent !== undefined) return Buffer.from(sent.bytes).readUInt32BE(0);
  return Object.entries(site.drops()).find(([name, count]) => count !== before[name])?.[0] ?? 'nothing';
}

async function change(one: LiveSite, ...policies: LivePolicy[]): Promise<void> {
  await one.write(policies);
  one.lines.length = 0;
  await reload(one.layers, one.log);
}

const [SPI_B, SPI_C] = [LiveSite.spis(0).outbound, LiveSite.spis(1).outbound];

describe('RFC 4301 §4.4.1', () => {
  test('RFC 4301 §4.4.1: "Policy Addition": met at once, also by flows that another entry carried', async () => {
    const one = await start(TO_B);
    expect([spiTo(one, '10.0.2.7'), spiTo(one, '10.0.3.7')]).toEqual([SPI_B, 'outbound-no-policy']);
    await change(one, TO_B, TO_C, { name: 'but', priority: 1, action: 'DISCARD', remote: '10.0.2.7/32' });
    expect([spiTo(one, '10.0.2.7'), spiTo(one, '10.0.2.8'), spiTo(one, '10.0.3.7')]).toEqual([
      'outbound-discard',
      SPI_B,
      SPI_C,
    ]);
  });

  test('RFC 4301 §4.4.1: "Policy Deletion": the SAs go with it, and their keys', async () => {
    const one = await start(TO_B, TO_C);
    expect(spiTo(one, '10.0.3.7')).toBe(SPI_C);
    await change(one, TO_B);
    expect(spiTo(one, '10.0.3.7')).toBe('outbound-no-policy');
    expect([...one.site.sad.dump()].map(({ spi }) => spi)).toEqual(Object.values(LiveSite.spis(0)));
  });

  test.each([
    ['transform', { ...TO_C, proposal: 'aes256gcm16-esn' }],
    ['keys and SPIs', { ...TO_C, keys: 7 }],
    ['window', { ...TO_C, sa: 'replay_window: 32' }],
  ])(
    'RFC 4301 §4.4.1: "Policy Modification" of the %s: the SAs are replaced, others go on',
    async (_, changed) => {
      const one = await start(TO_B, TO_C);
      expect([spiTo(one, '10.0.2.7'), spiTo(one, '10.0.3.7')]).toEqual([SPI_B, SPI_C]);
      const ids = idsOf(one);
      const [sa] = one.site.sad.outbound;
      const counters = [...(sa?.state ?? [])];
      await change(one, TO_B, changed);
      expect([...(sa?.state ?? [])]).toEqual(counters);
      expect(spiTo(one, '10.0.3.7')).toBe(LiveSite.spis(changed.keys ?? 1).outbound);
      const [b, c] = idsOf(one);
      expect(b).toBe(ids[0]);
      expect(c).not.toBe(ids[1]);
      expect(sa?.state[SaField.sequence]).toBe(2);
      expect(spiTo(one, '10.0.2.7')).toBe(SPI_B);
      expect(sa?.state[SaField.sequence]).toBe(3);
    },
  );

  test('RFC 4301 §4.4.1: "Policy Modification" of selectors or lifetime: the SA goes on with its numbers and its window', async () => {
    const one = await start(TO_B);
    expect(spiTo(one, '10.0.2.7')).toBe(SPI_B);
    const before = [...one.site.sad.dump()].map((sa) => ('id' in sa ? sa.id : 0));
    await change(one, { ...TO_B, remote: '10.0.9.0/24', sa: 'lifetime: { packets: { hard: 2 } }' });
    expect([...one.site.sad.dump()].map((sa) => ('id' in sa ? sa.id : 0))).toEqual(before);
    expect([spiTo(one, '10.0.2.7'), spiTo(one, '10.0.9.1')]).toEqual(['outbound-no-policy', SPI_B]);
    expect(one.site.sad.outbound[0]?.state[SaField.sequence]).toBe(3);
    // The first packet counts too.
    expect(spiTo(one, '10.0.9.1')).toBe('outbound-lifetime');
  });

  test('RFC 4301 §4.4.1: "Policy Modification" to another action: the SAs go', async () => {
    const one = await start(TO_B);
    await change(one, { ...TO_B, action: 'DISCARD' });
    expect(spiTo(one, '10.0.2.7')).toBe('outbound-discard');
    expect([...one.site.sad.dump()]).toEqual([]);
  });

  test('RFC 4301 §4.4.1: "Priority Reorder": active traffic is verified against the new order', async () => {
    const wide: LivePolicy = { name: 'wide', keys: 1, priority: 200, remote: '10.0.0.0/16' };
    const one = await start(TO_B, wide);
    expect([spiTo(one, '10.0.2.7'), spiTo(one, '10.0.9.9')]).toEqual([SPI_B, SPI_C]);
    await one.live.editPolicies((spd) => reorderPolicies(spd, ['wide', 'to-b']));
    expect([spiTo(one, '10.0.2.7'), spiTo(one, '10.0.9.9')]).toEqual([SPI_C, SPI_C]);
  });

  test('RFC 4301 §4.4.1: "Cache Refresh": a flow follows its policy to the SA that is there', async () => {
    const one = await start(TO_B);
    const { sad } = one.site;
    expect(spiTo(one, '10.0.2.7')).toBe(SPI_B);
    await sad.delete({ direction: 'outbound', peer: 'far', spi: SPI_B });
    expect(spiTo(one, '10.0.2.7')).toBe('outbound-no-sa');
    await change(one, { ...TO_B, keys: 4 });
    expect(spiTo(one, '10.0.2.7')).toBe(LiveSite.spis(4).outbound);
  });

  test('RFC 4301 §4.4.1: add, delete and change through the API', async () => {
    const one = await start(TO_B, TO_C);
    const entry = one.live.config.policies[1]!;
    await one.live.editPolicies((spd) => deletePolicy(spd, 'to-c'));
    expect(spiTo(one, '10.0.3.7')).toBe('outbound-no-policy');
    await one.live.editPolicies((spd) => addPolicy(spd, entry));
    expect(spiTo(one, '10.0.3.7')).toBe(SPI_C);
    const discard = { ...entry, action: 'DISCARD', sa: undefined, manual: undefined } as const;
    await one.live.editPolicies((spd) => changePolicy(spd, discard));
    expect(spiTo(one, '10.0.3.7')).toBe('outbound-discard');
    await expect(one.live.editPolicies((spd) => addPolicy(spd, entry))).rejects.toThrow('already');
    expect(spiTo(one, '10.0.3.7')).toBe('outbound-discard');
  });

  test('RFC 4301 §4.4.1: the guard is that of both while policies change; it closes first and opens last', async () => {
    const one = await start(TO_B);
    await change(one, TO_C);
    expect(one.steps).toEqual([
      ...['guard', 'data plane', 'routes: to-b', 'guard alone'],
      ...['guard: to-b and to-c', 'data plane', 'routes: to-c', 'guard alone'],
    ]);
  });

  test.each([
    ['guard', [], SPI_B, 'guard: to-b and but'],
    ['data plane', ['data plane'], SPI_B, 'guard: to-b and but'],
    // In force already, and the host is behind: so they stand in the guard of the change that follows.
    ['routes', ['data plane', 'routes: but'], 'outbound-discard', 'guard: but and but'],
  ])(
    'RFC 4301 §4.4.1: where the step "%s" fails, none that opens is taken, and the next change holds to what is in force',
    async (failing, steps, verdict, next) => {
      const one = await start(TO_B);
      one.steps.length = 0;
      one.failing = failing;
      const but: LivePolicy = { name: 'but', priority: 1, action: 'DISCARD', remote: '10.0.2.0/24' };
      await change(one, but);
      expect(one.steps).toEqual(['guard: to-b and but', ...steps]);
      expect(one.lines.at(-1)).toMatchObject({ level: 'error', msg: 'reload failed' });
      expect(spiTo(one, '10.0.2.7')).toBe(verdict);
      one.failing = undefined;
      await change(one, but);
      expect(one.steps.slice(-4)).toEqual([next, 'data plane', 'routes: but', 'guard alone']);
      expect(spiTo(one, '10.0.2.7')).toBe('outbound-discard');
    },
  );

  test('RFC 4301 §4.4.1: a file that is wrong changes nothing, and the log says why', async () => {
    const one = await start(TO_B);
    const before = [...one.site.sad.dump()];
    await change(one, { ...TO_B, proposal: 'rot13' });
    expect(one.lines).toMatchObject([{ level: 'error', msg: 'reload failed' }]);
    expect(String(one.lines[0]?.['reason'])).toMatch(
      /site\.yaml:\d+:\d+: policies\[0\]\.sa\.proposal: found "rot13"/,
    );
    expect([...one.site.sad.dump()]).toEqual(before);
    expect(spiTo(one, '10.0.2.7')).toBe(SPI_B);
    expect(one.steps.length).toBe(4);
  });

  test('RFC 4301 §4.4.1: what was opened at the start is not changed, nor anything else with it', async () => {
    const one = await start(TO_B);
    await one.write([TO_C], { listen: '203.0.113.9' });
    await reload(one.layers, one.log);
    expect(one.lines.at(-1)?.['reason']).toContain(
      'another value of udp.listen, expected what the gateway was started with',
    );
    expect(spiTo(one, '10.0.2.7')).toBe(SPI_B);
  });

  test('RFC 4301 §4.4.1: a key that is missing is found before anything happens', async () => {
    const one = await start(TO_B);
    await one.write([TO_C]);
    await writeFile(`${one.directory}/in-1.key`, 'no key\n');
    await reload(one.layers, one.log);
    expect(one.lines.at(-1)).toMatchObject({ level: 'error', msg: 'reload failed' });
    expect(spiTo(one, '10.0.2.7')).toBe(SPI_B);
  });

  test('RFC 4301 §4.4.1: a peer that moved gets the packets of the SAs it has', async () => {
    const one = await start(TO_B);
    await one.write([TO_B], { peer: '192.0.2.77' });
    await reload(one.layers, one.log);
    one.site.devices.pushFrame({ bytes: echoRequest({ source: '10.0.1.5', destination: '10.0.2.7' }) });
    one.site.path.turn();
    expect([...(one.site.datagrams[0]?.address ?? [])]).toEqual([192, 0, 2, 77]);
  });

  test('RFC 4301 §4.4.2.1: an SA that reached its hard lifetime does not come back with the same key', async () => {
    const mortal = { ...TO_B, sa: 'lifetime: { packets: 1 }' };
    const one = await start(mortal);
    expect([spiTo(one, '10.0.2.7'), spiTo(one, '10.0.2.7')]).toEqual([SPI_B, 'outbound-lifetime']);
    await change(one, mortal);
    expect(spiTo(one, '10.0.2.7')).toBe('outbound-no-sa');
    expect(one.lines).toContainEqual(expect.objectContaining({ level: 'warn', policy: 'to-b' }));
    await change(one, { ...mortal, keys: 5 });
    expect(spiTo(one, '10.0.2.7')).toBe(LiveSite.spis(5).outbound);
  });
});

/** Of the outbound SAs by policy. */
function idsOf({ site }: LiveSite): readonly number[] {
  return ['to-b', 'to-c'].map(
    (name) => site.sad.outbound.find(({ description }) => description.policy === name)?.id ?? 0,
  );
}
