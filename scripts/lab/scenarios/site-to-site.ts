// The two sites of the examples: what `npm run lab` shows.

import { planTopology, siteAddresses } from '../../topology/plan.ts';
import { exampleKeys, ikeExampleKeys, ikeTwoSites, twoSites } from '../site-files.ts';
import { canPing, nothingInClear } from './checks.ts';
import type { Scenario } from './scenario.ts';

export const drawing = `
   site A                                                              site B
   hostA ─────────── gwA ═══════════════ wan ═══════════════ gwB ─────────── hostB
   10.0.1.5     10.0.1.1 │ 203.0.113.1        198.51.100.1 │ 10.0.2.1     10.0.2.7
   fd00:1::5   fd00:1::1 │                                 │ fd00:2::1   fd00:2::7
                         └──── IKEv2, ESP in UDP 4500 ─────┘
`;

export const siteToSite: Scenario = {
  name: 'site-to-site',
  sentence: 'Two sites speak through one tunnel, in both families, and the wan sees ESP only.',
  drawing,
  plan: planTopology('router'),
  sites: twoSites,
  keys: exampleKeys,
  ike: { sites: ikeTwoSites, keys: ikeExampleKeys },
  check: async (lab) => [
    await canPing(lab, 'hostA', siteAddresses.hostB.ipv6),
    await canPing(lab, 'hostB', siteAddresses.hostA.ipv4),
    // RFC 4301 §5.1: the gateway's own traffic meets the same policies.
    await canPing(lab, 'gwA', siteAddresses.hostB.ipv4),
    await nothingInClear(lab),
  ],
  expectedDrops: [],
};
