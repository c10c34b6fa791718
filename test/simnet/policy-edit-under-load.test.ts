// Policies are edited through the API while packets pass, in memory: each generation has a DSCP of its own, every second
// one discards a second destination. RFC 4301 §4.4.1. The same with real gateways and SIGHUP is
// test/system/policy-change-under-load.test.ts.

import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { PolicyConfig } from '../../src/management/config/gateway-config.ts';
import { addPolicy, changePolicy, deletePolicy } from '../../src/spd/spd-edit.ts';
import { DEFAULT_TUNNEL_OPTIONS } from '../../src/spd/tunnel-options.ts';
import { decapsulate } from '../support/esp-peer.ts';
import { LiveSite, type LivePolicy } from '../support/live-site.ts';
import { udpPacket } from '../support/packets.ts';

const ALWAYS = '10.0.2.7';
const SOMETIMES = '10.0.2.200';
const GENERATIONS = [1, 8, 16, 24, 32, 40];
const PACKETS_PER_GENERATION = 50;
const TO_B: LivePolicy = { name: 'to-b', keys: 0, remote: '10.0.2.0/24' };
const DISCARDS: LivePolicy = { name: 'sometimes', priority: 1, action: 'DISCARD', remote: `${SOMETIMES}/32` };

let live: LiveSite;

afterEach(async () => {
  await live.close();
});

/** Several packets make one batch; an edit falls between two. */
function sendBatch(numbers: readonly number[]): void {
  for (const number of numbers) {
    const data = new Uint8Array(8);
    new DataView(data.buffer).setUint32(0, number);
    const destination = number % 2 === 0 ? ALWAYS : SOMETIMES;
    live.site.devices.pushFrame({ bytes: udpPacket({ source: '10.0.1.5', destination }, { data }) });
  }
  live.site.path.turn();
}

describe.each(['native', 'portable'] as const)('%s engine', (engine) => {
  test('RFC 4301 §4.4.1: edits under load: generations in order, nothing lost that all allow', async () => {
    live = await LiveSite.start([TO_B, DISCARDS], engine);
    const [protect, discard] = live.live.config.policies as [PolicyConfig, PolicyConfig];
    const key = {
      spi: LiveSite.spis(0).outbound,
      keyMaterial: Buffer.from((await readFile(await live.key('out-0'), 'utf8')).trim(), 'hex'),
    };
    let sent = 0;
    const load = { isOn: true };
    const sending = (async () => {
      while (load.isOn) {
        sendBatch(Array.from({ length: 7 }, () => sent++));
        await setImmediate();
      }
    })();
    for (const [place, dscp] of GENERATIONS.entries()) {
      const sa = { ...protect.sa!, tunnel: { ...DEFAULT_TUNNEL_OPTIONS, dscp } };
      await live.live.editPolicies((spd) => {
        const changed = changePolicy(spd, { ...protect, sa });
        if (place === 0) return deletePolicy(changed, 'sometimes');
        return place % 2 === 1 ? addPolicy(changed, discard) : deletePolicy(changed, 'sometimes');
      });
      const enough = sent + PACKETS_PER_GENERATION;
      while (sent < enough) await setImmediate();
    }
    load.isOn = false;
    await sending;

    const wire = live.site.datagrams.map(({ bytes, trafficClass }) => {
      const { inner, sequence } = decapsulate(key, bytes);
      return { dscp: trafficClass >> 2, sequence, number: Buffer.from(inner).readUInt32BE(28) };
    });
    const first = wire[0]!.sequence;
    expect(wire.map(({ sequence }) => sequence)).toEqual(wire.map((_, place) => first + place));
    // 0 is what the start had.
    const changes = wire.map(({ dscp }) => dscp).filter((dscp, place, all) => dscp !== all[place - 1]);
    expect(changes.filter((dscp) => dscp !== 0)).toEqual(GENERATIONS);
    const even = wire.map(({ number }) => number).filter((number) => number % 2 === 0);
    expect(even).toEqual(Array.from({ length: Math.ceil(sent / 2) }, (_, i) => 2 * i));
    for (const [place, dscp] of GENERATIONS.entries()) {
      const odd = wire.filter((packet) => packet.dscp === dscp && packet.number % 2 === 1);
      if (place % 2 === 1) expect(odd).toEqual([]);
      else expect(odd.length).toBeGreaterThan(PACKETS_PER_GENERATION / 4);
    }
    expect(live.site.clearFrames).toEqual([]);
    expect(live.site.drops()).toEqual({ 'outbound-discard': sent - wire.length });
  });
});
