// What a tunnel must stand without a packet lost: 200 pings a second while something happens to its SAs.

import { expect } from 'vitest';
import { siteAddresses } from '../../../scripts/topology/plan.ts';
import type { PeerSite } from './peer-site.ts';

const { hostB } = siteAddresses;

/** 200 pings a second for `seconds`, while `meanwhile` happens; none is lost, none comes twice. */
export async function underPings(
  { sites }: PeerSite,
  seconds: number,
  meanwhile: () => Promise<void>,
): Promise<void> {
  expect(await sites.ping('hostA', hostB.ipv4, 1)).toBe(1);
  const count = String(200 * seconds);
  const pings = sites.topology.run('hostA', ['ping', '-c', count, '-i', '0.005', '-W', '2', hostB.ipv4]);
  await meanwhile();
  const { stdout } = await pings;
  expect(stdout).toContain(`${count} packets transmitted, ${count} received`);
  expect(stdout).not.toContain('duplicates');
  const drops = await sites.stop('gwA');
  expect(drops).not.toHaveProperty('inbound-replay');
  expect(drops).not.toHaveProperty('inbound-unknown-spi');
}
