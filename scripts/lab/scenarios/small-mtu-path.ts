// A link on the way that carries less than the gateways' own links: RFC 4301 §8.

import { siteAddresses } from '../../topology/plan.ts';
import { withSmallMtu } from '../../topology/wider-plans.ts';
import { exampleKeys, twoSites } from '../site-files.ts';
import { canPing, nothingInClear } from './checks.ts';
import type { Check, RunningLab, Scenario } from './scenario.ts';

const smallMtu = 1300;
/** ESP in UDP over IPv4 with AES-GCM adds at least this much. */
const leastOverhead = 20 + 8 + 8 + 8 + 2 + 16;

const drawing = `
   hostA ─── gwA ═══ wan ═══ gwB ─── hostB
                         └ ${smallMtu} bytes
`;

/** RFC 1191: the host learns from an ICMP message what it may send. */
async function hostLearnsMtu({ topology, signal }: RunningLab): Promise<Check> {
  const command = ['ping', '-n', '-c', '4', '-i', '0.3', '-W', '1', '-M', 'do', '-s', '1372'];
  // What the host has learnt already, ping says itself, on standard error.
  const { stdout, stderr } = await topology.run('hostA', [...command, siteAddresses.hostB.ipv4], {
    signal,
    timeoutMs: 15_000,
  });
  const mtu = Number(/mtu ?= ?(\d+)/.exec(stdout + stderr)?.[1] ?? 0);
  return {
    what: `a large packet that must not be fragmented is answered with the path's MTU`,
    holds: mtu > smallMtu - 100 && mtu <= smallMtu - leastOverhead,
    seen: mtu === 0 ? 'no ICMP message' : `mtu ${mtu}`,
  };
}

export const smallMtuPath: Scenario = {
  name: 'small-mtu-path',
  sentence: 'A link on the way is smaller than the rest: hosts learn it, and what may be fragmented arrives.',
  drawing,
  plan: withSmallMtu(smallMtu),
  sites: twoSites,
  keys: exampleKeys,
  check: async (lab) => {
    const learnt = await hostLearnsMtu(lab);
    // The first large packets teach both hosts.
    await canPing(lab, 'hostA', siteAddresses.hostB.ipv6, ['-s', '3000']);
    await canPing(lab, 'hostB', siteAddresses.hostA.ipv6, ['-s', '3000']);
    return [
      learnt,
      await canPing(lab, 'hostA', siteAddresses.hostB.ipv4, ['-M', 'dont', '-s', '1372']),
      await canPing(lab, 'hostB', siteAddresses.hostA.ipv4, ['-M', 'dont', '-s', '1372']),
      await canPing(lab, 'hostA', siteAddresses.hostB.ipv6, ['-s', '3000']),
      await nothingInClear(lab),
    ];
  },
  expectedDrops: [],
};
