// DISCARD drops outbound, in the tunnel's own range too, and inbound at the guard.

import { siteAddresses } from '../../topology/plan.ts';
import { withWebHost } from '../../topology/wider-plans.ts';
import { exampleKeys, twoSites } from '../site-files.ts';
import { listenOn } from '../tcp-probe.ts';
import { webDrawing } from './bypass-exception.ts';
import { connects, nothingInClear } from './checks.ts';
import { noSshFromOutside, noTelnet, withPolicies } from './reference-policies.ts';
import type { Scenario } from './scenario.ts';

const { hostA, hostB } = siteAddresses;

export const discard: Scenario = {
  name: 'discard',
  sentence: 'What a policy discards is dropped on both ways, the rest of the tunnel is not.',
  drawing: webDrawing,
  plan: withWebHost,
  sites: twoSites.map((site) =>
    site.place === 'gwA' ? withPolicies(site, [noSshFromOutside, noTelnet]) : site,
  ),
  keys: exampleKeys,
  check: async (lab) => {
    const closeA = await listenOn(lab.topology, 'hostA', [22, 80]);
    const closeB = await listenOn(lab.topology, 'hostB', [23, 80]);
    try {
      return [
        await connects(lab, 'hostA', hostB.ipv4, 23, false),
        await connects(lab, 'hostA', hostB.ipv6, 23, false),
        await connects(lab, 'hostA', hostB.ipv4, 80, true),
        // Through the tunnel, and from the outside.
        await connects(lab, 'hostB', hostA.ipv4, 22, false),
        await connects(lab, 'web', hostA.ipv4, 22, false),
        await connects(lab, 'hostB', hostA.ipv4, 80, true),
        await nothingInClear(lab),
      ];
    } finally {
      await Promise.all([closeA(), closeB()]);
    }
  },
  expectedDrops: ['outbound-discard', 'inbound-discard'],
};
