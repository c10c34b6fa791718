// The time of day jumps, and the machine is suspended: lifetimes go by the monotonic clock, the tunnel lives, and after the
// pause nothing is made up for.

import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ikeExampleKeys, ikeTwoSites } from '../../scripts/lab/site-files.ts';
import { planTopology, siteAddresses } from '../../scripts/topology/plan.ts';
import { STORIES } from '../../src/ike/stories.ts';
import { TwoSites } from './two-sites.ts';

const { hostA, hostB } = siteAddresses;
const STEP_CLOCK = join(import.meta.dirname, 'host-programs/step-clock.mjs');
const SOFT_SECONDS = 4;
const SUSPENDED_SECONDS = 10;
const REKEYED = STORIES['child-rekeyed'].sentence;

let sites: TwoSites | undefined;

afterEach(async () => {
  delete process.env['NODE_OPTIONS'];
  await sites?.close();
  sites = undefined;
});

async function build(): Promise<TwoSites> {
  const two = await TwoSites.build('native', planTopology('router'), {
    sites: ikeTwoSites,
    keys: ikeExampleKeys,
  });
  sites = two;
  const lifetime = { time: { soft: `${SOFT_SECONDS}s`, hard: '60s' } };
  for (const place of ['gwA', 'gwB'] as const)
    await two.configure(place, [
      [['policies', 0, 'sa', 'lifetime'], lifetime],
      [['peers', 0, 'ike', 'liveness'], '2s'],
    ]);
  await two.start('gwB');
  return two;
}

/** @returns how often each thing was told */
function told(two: TwoSites): Readonly<Record<string, number>> {
  const count = (name: keyof typeof STORIES): number => two.said('gwA', STORIES[name].sentence).length;
  return { established: count('established'), silent: count('silent'), expired: count('expired') };
}

test('a clock that is set ends no SA, and hastens and delays no rekey', async () => {
  process.env['NODE_OPTIONS'] = `--import ${STEP_CLOCK}`;
  const two = await build();
  await two.start('gwA');
  delete process.env['NODE_OPTIONS'];
  expect(await two.ping('hostA', hostB.ipv4, 2)).toBe(2);
  await two.logged('gwA', STORIES.established.sentence);
  const before = told(two);
  const years = new Set<string>();
  for (let step = 1; step <= 3; step++) {
    const rekeys = two.said('gwA', REKEYED).length;
    two.signal('gwA', 'SIGUSR2');
    const startMs = performance.now();
    const pings = two.ping('hostB', hostA.ipv4, 60);
    await two.logged('gwA', REKEYED, rekeys + 1);
    expect(await pings).toBe(60);
    // One for each soft lifetime, by either side; a clock that counts would rekey, or end, all at once.
    const passed = (performance.now() - startMs) / 1000 / SOFT_SECONDS;
    expect(two.said('gwA', REKEYED).length - rekeys).toBeLessThanOrEqual(2 * (Math.ceil(passed) + 1));
    const { time } = (await two.logLine('gwA', REKEYED)) as { readonly time: string };
    years.add(time.slice(0, 4));
  }
  expect(told(two)).toEqual(before);
  // The jumps have reached the gateway.
  expect(years.size).toBeGreaterThan(1);
});

test('a machine that was suspended goes on with its SAs, and makes up for nothing', async () => {
  const two = await build();
  await two.start('gwA');
  expect(await two.ping('hostA', hostB.ipv4, 2)).toBe(2);
  await two.logged('gwA', STORIES.established.sentence);
  const before = told(two);
  await two.whileStopped('gwA', async () => {
    expect(await two.ping('hostB', hostA.ipv4, 3, SUSPENDED_SECONDS)).toBe(0);
  });
  const rekeys = two.said('gwA', REKEYED).length;
  expect(await two.ping('hostA', hostB.ipv4, 40)).toBe(40);
  await two.logged('gwA', REKEYED, rekeys + 1);
  expect(two.said('gwA', REKEYED).length - rekeys).toBeLessThanOrEqual(4);
  expect(told(two)).toEqual(before);
});
