// What the tests of the host have in common: policies in the words of the configuration file, and what is seen on the
// wan.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import type { GatewayPlace, Setting } from '../../scripts/lab/site-files.ts';
import type { TwoSites } from './two-sites.ts';

export const INSIDE_A: readonly string[] = ['10.0.1.0/24', 'fd00:1::/64'];
const { gwA } = siteAddresses;
export const OUTSIDE_A: readonly string[] = [gwA.outside.ipv4, gwA.outside.ipv6];

export interface PlainPolicy {
  readonly action: 'BYPASS' | 'DISCARD';
  readonly priority?: number;
  readonly selectors: object;
}

/** Settings that put policies behind the PROTECT policy of an example, in this order. */
export function policiesBehind(...policies: readonly PlainPolicy[]): readonly Setting[] {
  return policies.map(({ action, priority, selectors }, index) => [
    ['policies', index + 1],
    { name: `p${String(index)}`, priority: priority ?? 200 + index, selectors, action },
  ]);
}

/** Everything of site A that is not for site B goes in clear, the gateway's own too. */
export const restInClear: readonly Setting[] = policiesBehind(
  { action: 'BYPASS', selectors: { local_address: INSIDE_A } },
  { action: 'BYPASS', selectors: { local_address: OUTSIDE_A } },
);

/** Both values that the kernel takes the greater of, in place of what the namespace began with. */
export async function setReversePathFilter(
  sites: TwoSites,
  place: GatewayPlace,
  value: number,
): Promise<void> {
  const files = ['all', 'default', 'inside', 'outside'].map(
    (name) => `/proc/sys/net/ipv4/conf/${name}/rp_filter`,
  );
  const script = files.map((file) => `echo ${String(value)} > ${file}`).join('\n');
  await sites.topology.runOrThrow(place, ['sh', '-ec', script]);
}

/** @returns a row of fields for each packet of a capture */
export async function dissect(
  file: string,
  filter: string,
  ...fields: readonly string[]
): Promise<string[][]> {
  const columns = fields.flatMap((field) => ['-e', field]);
  const { stdout } = await promisify(execFile)('tshark', [
    '-r',
    file,
    '-Y',
    filter,
    '-T',
    'fields',
    ...columns,
  ]);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

/** Packets of a capture that carry one of the site's inner addresses in their outermost header. */
export const INNER_IN_CLEAR = 'net 10.0.1.0/24 or net 10.0.2.0/24 or net fd00:1::/64 or net fd00:2::/64';
