// IPv6 inside, IPv4 outside: the family of the hosts is not that of the wan (RFC 4301 §5.1.2).

import { planTopology, siteAddresses } from '../../topology/plan.ts';
import { exampleKeys, twoSites } from '../site-files.ts';
import { listenOn } from '../tcp-probe.ts';
import { canPing, connects, nothingInClear } from './checks.ts';
import type { Scenario } from './scenario.ts';
import { drawing } from './site-to-site.ts';

const echo = 7;

export const ipv6InIpv4: Scenario = {
  name: 'ipv6-in-ipv4',
  sentence: 'Hosts speak IPv6 over a wan that carries IPv4.',
  drawing,
  plan: planTopology('router'),
  sites: twoSites,
  keys: exampleKeys,
  // Without IPv6 on the wan no packet can have gone another way.
  prepare: async (topology) => {
    await topology.runOrThrow('wan', ['ip', '-6', 'address', 'flush', 'scope', 'global']);
  },
  check: async (lab) => {
    const close = await listenOn(lab.topology, 'hostB', [echo]);
    try {
      // The first large packets teach the hosts what the path carries.
      await canPing(lab, 'hostA', siteAddresses.hostB.ipv6, ['-s', '4000']);
      return [
        await canPing(lab, 'hostA', siteAddresses.hostB.ipv6),
        await canPing(lab, 'hostA', siteAddresses.hostB.ipv6, ['-s', '4000']),
        await connects(lab, 'hostA', siteAddresses.hostB.ipv6, echo, true),
        await nothingInClear(lab),
      ];
    } finally {
      await close();
    }
  },
  expectedDrops: [],
};
