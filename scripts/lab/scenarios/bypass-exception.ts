// HTTPS goes out in clear beside the tunnel: a BYPASS exception beside a PROTECT entry, and a PROTECT range inside
// a BYPASS range.

import { siteAddresses } from '../../topology/plan.ts';
import { widerAddresses, withWebHost } from '../../topology/wider-plans.ts';
import { exampleKeys, twoSites } from '../site-files.ts';
import { listenOn } from '../tcp-probe.ts';
import { canPing, connects, nothingInClear } from './checks.ts';
import { httpsInClear, noSshFromOutside, withPolicies } from './reference-policies.ts';
import type { Check, RunningLab, Scenario } from './scenario.ts';

const { web } = widerAddresses;
const { hostA, hostB } = siteAddresses;

export const webDrawing: string = `
   hostA ─── gwA ═══ wan ═══ gwB ─── hostB
                      │
                     web   ${web.ipv4}, in clear
`;

async function webWasReached(lab: RunningLab): Promise<Check> {
  const { toWeb } = await lab.wan();
  return { what: 'what goes to the web host goes in clear', holds: toWeb > 0, seen: `${toWeb} packets` };
}

export const bypassException: Scenario = {
  name: 'bypass-exception',
  sentence: 'HTTPS goes out in clear, the other site stays protected, SSH from outside is dropped.',
  drawing: webDrawing,
  plan: withWebHost,
  sites: twoSites.map((site) =>
    site.place === 'gwA' ? withPolicies(site, [noSshFromOutside, httpsInClear]) : site,
  ),
  keys: exampleKeys,
  check: async (lab) => {
    const closeWeb = await listenOn(lab.topology, 'web', [443, 80]);
    const closeA = await listenOn(lab.topology, 'hostA', [22]);
    const closeB = await listenOn(lab.topology, 'hostB', [443]);
    try {
      return [
        await connects(lab, 'hostA', web.ipv4, 443, true),
        await connects(lab, 'hostA', web.ipv6, 443, true),
        // No policy names it: DISCARD (RFC 4301 §4.4.1).
        await connects(lab, 'hostA', web.ipv4, 80, false),
        await connects(lab, 'web', hostA.ipv4, 22, false),
        // PROTECT stands before BYPASS, so HTTPS to the other site is protected.
        await connects(lab, 'hostA', hostB.ipv4, 443, true),
        await canPing(lab, 'hostA', hostB.ipv4),
        await webWasReached(lab),
        await nothingInClear(lab),
      ];
    } finally {
      await Promise.all([closeWeb(), closeA(), closeB()]);
    }
  },
  expectedDrops: ['outbound-no-policy'],
};
