// Real gateways: SIGHUP changes policies while others go on.

import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import { BRIEFLY, TwoSites } from './two-sites.ts';

const { hostA, hostB } = siteAddresses;

let sites: TwoSites | undefined;

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

test('SIGHUP takes a policy into force and out again, and a flow of another policy loses nothing', async () => {
  sites = await TwoSites.build();
  await sites.startBoth();
  const pings = sites.ping('hostA', hostB.ipv4, 100);
  const discard = {
    name: 'no-ipv6',
    priority: 1,
    action: 'DISCARD',
    selectors: { remote_address: [`${hostB.ipv6}/128`] },
  };
  expect(await sites.ping('hostA', hostB.ipv6, 1)).toBe(1);
  const file = sites.files.configuration('gwA');
  const original = await readFile(file, 'utf8');
  await sites.configure('gwA', [[['policies', 1], discard]]);
  await sites.reload('gwA');
  expect(await sites.ping('hostA', hostB.ipv6, 1, BRIEFLY)).toBe(0);
  await writeFile(file, original);
  await sites.reload('gwA');
  expect(await sites.ping('hostA', hostB.ipv6, 1)).toBe(1);
  expect(await pings).toBe(100);
  // A wrong file: nothing changes.
  await sites.configure('gwA', [[['policies', 0, 'action'], 'PROTCT']]);
  await sites.reload('gwA', 'reload failed');
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await sites.ping('hostB', hostA.ipv4, 3)).toBe(3);
});
