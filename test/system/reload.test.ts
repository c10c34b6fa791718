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

const NO_IPV6 = {
  name: 'no-ipv6',
  priority: 1,
  action: 'DISCARD',
  selectors: { remote_address: [`${hostB.ipv6}/128`] },
};

test('a file that is watched is in force when it changes; a wrong one changes nothing', async () => {
  sites = await TwoSites.build();
  await sites.configure('gwA', [[['gateway', 'watch'], true]]);
  await sites.startBoth();
  await sites.configure('gwA', [[['policies', 1], NO_IPV6]]);
  await sites.logged('gwA', 'configuration reloaded');
  expect(await sites.ping('hostA', hostB.ipv6, 1, BRIEFLY)).toBe(0);
  await sites.configure('gwA', [[['policies', 0, 'action'], 'PROTCT']]);
  await sites.logged('gwA', 'reload failed');
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
});

test('SIGHUP takes a policy into force and out again, and a flow of another policy loses nothing', async () => {
  sites = await TwoSites.build();
  await sites.startBoth();
  const pings = sites.ping('hostA', hostB.ipv4, 100);
  expect(await sites.ping('hostA', hostB.ipv6, 1)).toBe(1);
  const file = sites.files.configuration('gwA');
  const original = await readFile(file, 'utf8');
  await sites.configure('gwA', [[['policies', 1], NO_IPV6]]);
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
