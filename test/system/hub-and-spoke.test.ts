// Hub and spoke with every value of the reverse path filter at the hub: in by one tunnel, out by another, and no ICMP
// redirect tells a spoke of a way that it does not have. RFC 4301 §5.2, RFC 1812 §5.2.7.2.

import { afterEach, expect, test } from 'vitest';
import { hubAndSpoke } from '../../scripts/lab/scenarios/hub-and-spoke.ts';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import { widerAddresses } from '../../scripts/topology/wider-plans.ts';
import { INNER_IN_CLEAR, setReversePathFilter } from './host-policies.ts';
import { readFrames } from './captured-frames.ts';
import { TwoSites } from './two-sites.ts';

const { hostA, hostB } = siteAddresses;
const { hostC } = widerAddresses;
const SWITCHES = ['all', 'isthmus0'].map((device) => `/proc/sys/net/ipv4/conf/${device}/send_redirects`);

let sites: TwoSites;

afterEach(async () => {
  await sites.close();
});

async function writeSwitches(value: 0 | 1, files: readonly string[]): Promise<void> {
  const script = files.map((file) => `echo ${value} > ${file}`).join('\n');
  await sites.topology.runOrThrow('gwA', ['sh', '-ec', script]);
}

/** @returns ICMP redirects that a spoke's host got while it spoke with the other spoke */
async function redirects(): Promise<number> {
  const finish = await sites.captureLoad('hostB', 'eth0', 'icmp[icmptype] == 5');
  expect(await sites.ping('hostB', hostC.ipv4, 3)).toBe(3);
  return (await readFrames(await finish())).length;
}

test.each([0, 1, 2])('rp_filter %i at the hub', async (reversePathFilter) => {
  sites = await TwoSites.build('native', hubAndSpoke.plan, hubAndSpoke);
  await setReversePathFilter(sites, 'gwA', reversePathFilter);
  // As most hosts have it.
  await writeSwitches(
    1,
    ['all', 'default'].map((device) => SWITCHES[0]!.replace('/all/', `/${device}/`)),
  );
  await Promise.all((['gwA', 'gwB', 'gwC'] as const).map((place) => sites.start(place)));
  const finish = await sites.captureLoad(
    'wan',
    'toA',
    `${INNER_IN_CLEAR} or net 10.0.3.0/24 or net fd00:3::/64`,
  );
  const received = [
    await sites.ping('hostB', hostC.ipv4, 3),
    await sites.ping('hostC', hostB.ipv4, 3),
    await sites.ping('hostB', hostC.ipv6, 3),
    await sites.ping('hostC', hostB.ipv6, 3),
    await sites.ping('hostA', hostC.ipv4, 3),
    await sites.ping('hostC', hostA.ipv6, 3),
    await sites.ping('hostB', hostA.ipv4, 3),
  ];
  expect(received).toEqual([3, 3, 3, 3, 3, 3, 3]);
  expect(await redirects()).toBe(0);
  expect(await readFrames(await finish())).toEqual([]);
  const values = await sites.topology.runOrThrow('gwA', ['cat', ...SWITCHES]);
  expect(values.trim().split('\n')).toEqual(['0', '0']);
  // Without the switches there are redirects: that is what they are for.
  await writeSwitches(1, SWITCHES);
  expect(await redirects()).toBeGreaterThan(0);
});
