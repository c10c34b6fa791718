// A worker of the data plane that fails: another one takes its place, with the SAs, their sequence numbers and their replay
// windows. Neither the peer nor IKE notices.

import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { exampleKeys, ikeExampleKeys, ikeTwoSites, twoSites } from '../../scripts/lab/site-files.ts';
import { planTopology, siteAddresses } from '../../scripts/topology/plan.ts';
import { STORIES } from '../../src/ike/stories.ts';
import { readEspInUdp, readFrames } from './captured-frames.ts';
import { BRIEFLY, TwoSites } from './two-sites.ts';

const { gwA, hostA, hostB } = siteAddresses;
const HOOK = join(import.meta.dirname, 'host-programs/failing-worker.mjs');
const SEND_AGAIN = join(import.meta.dirname, 'host-programs/send-again.py');
const FAILED = 'the worker of the data plane has failed: another one takes its place, with its SAs';
const PINGS = 20;

let sites: TwoSites | undefined;

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

function timeOf(line: unknown): number {
  return Date.parse((line as { readonly time: string }).time);
}

/** Two sites that run; `fail` ends the worker of gwA when the gateway is between two batches. */
async function start(keying: 'ike' | 'manual', engine: 'native' | 'portable' = 'native') {
  const files =
    keying === 'ike' ? { sites: ikeTwoSites, keys: ikeExampleKeys } : { sites: twoSites, keys: exampleKeys };
  const two = (sites = await TwoSites.build(engine, planTopology('router'), files));
  const order = join(two.directory, 'fail');
  await two.start('gwA', { NODE_OPTIONS: `--import=${pathToFileURL(HOOK).href}`, FAIL_WORKER: order });
  await two.start('gwB');
  expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
  const fail = async (): Promise<void> => {
    const times = two.said('gwA', FAILED).length;
    await writeFile(order, '');
    await two.logged('gwA', FAILED, times + 1);
    expect(existsSync(order)).toBe(false);
  };
  return { two, fail };
}

describe.each(['ike', 'manual'] as const)('SAs keyed by %s', (keying) => {
  test.each(['native', 'portable'] as const)(
    '%s engine: the tunnel goes on, no number leaves twice, and what was received before is not taken again',
    async (engine) => {
      const { two, fail } = await start(keying, engine);
      const end = await two.capture();
      const pings = [two.ping('hostA', hostB.ipv4, PINGS), two.ping('hostB', hostA.ipv6, PINGS)];
      await fail();
      // A packet that came between two workers waited in its socket.
      expect(await Promise.all(pings)).toEqual([PINGS, PINGS]);
      expect(await two.ping('hostB', hostA.ipv4, 5)).toBe(5);
      const frames = await readFrames(await end(4 * PINGS + 10));
      const seen = frames.flatMap((frame) => readEspInUdp(frame) ?? []);
      const numbers = seen.map(({ spi, sequence }) => `${spi} ${sequence}`);
      expect(numbers.length).toBeGreaterThanOrEqual(4 * PINGS + 10);
      expect(new Set(numbers).size).toBe(numbers.length);

      const received = frames.filter((frame) => readEspInUdp(frame)?.destination === gwA.outside.ipv4);
      const file = join(two.directory, 'received');
      const lines = received.map(({ packet }) => packet.toString('hex', 0, packet.readUInt16BE(2)));
      await writeFile(file, lines.join('\n'));
      await two.topology.runOrThrow('wan', ['/usr/bin/python3', SEND_AGAIN, file]);
      // Behind them on the same way.
      expect(await two.ping('hostB', hostA.ipv4, 1)).toBe(1);
      if (keying === 'ike') expect(two.said('gwA', STORIES['init-done'].sentence)).toHaveLength(1);
      expect(await two.stop('gwA')).toMatchObject({ 'inbound-replay': received.length });
    },
  );
});

test('one failure after the other: the next worker comes a second later', async () => {
  const { two, fail } = await start('ike');
  await fail();
  expect(await two.logLine('gwA', FAILED)).toMatchObject({ pauseMs: 0 });
  expect(await two.ping('hostA', hostB.ipv4)).toBe(5);
  await fail();
  expect(await two.logLine('gwA', FAILED)).toMatchObject({
    pauseMs: 1000,
    err: { message: 'a defect of the packet path' },
  });
  // A command of the worker, and so later.
  await two.reload('gwA');
  expect(await two.ping('hostA', hostB.ipv4)).toBe(5);
  expect(await two.stop('gwA')).not.toHaveProperty('outbound-no-policy');
});

test('told to stop while there is no worker, the gateway stops, and the host stays closed', async () => {
  const { two, fail } = await start('manual');
  await fail();
  expect(await two.ping('hostA', hostB.ipv4)).toBe(5);
  await fail();
  const failedMs = timeOf(await two.logLine('gwA', FAILED));
  const stopping = two.logLine('gwA', 'stopping');
  await two.stop('gwA');
  // Within its pause of a second.
  expect(timeOf(await stopping) - failedMs).toBeLessThan(1000);
  expect(await two.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
});
