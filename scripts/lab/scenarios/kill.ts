// A gateway that is killed leaves no way in clear behind.

import { planTopology, siteAddresses } from '../../topology/plan.ts';
import { exampleKeys, twoSites } from '../site-files.ts';
import { canPing, cannotPing, nothingInClear } from './checks.ts';
import type { Scenario } from './scenario.ts';
import { drawing } from './site-to-site.ts';

export const kill: Scenario = {
  name: 'kill',
  sentence: 'A gateway dies without warning, and its traffic stops: it does not leak.',
  drawing,
  plan: planTopology('router'),
  sites: twoSites,
  keys: exampleKeys,
  check: async (lab) => {
    const before = await canPing(lab, 'hostA', siteAddresses.hostB.ipv4);
    await lab.kill('gwA');
    return [
      before,
      await cannotPing(lab, 'hostA', siteAddresses.hostB.ipv4),
      await cannotPing(lab, 'hostA', siteAddresses.hostB.ipv6),
      await cannotPing(lab, 'gwA', siteAddresses.hostB.ipv4),
      await nothingInClear(lab),
    ];
  },
  expectedDrops: [],
};
