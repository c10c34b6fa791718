// Two spokes speak through a hub: in by one tunnel, out by the other.

import { siteAddresses } from '../../topology/plan.ts';
import { threeSites, widerAddresses } from '../../topology/wider-plans.ts';
import { exampleKeys, type Setting, type Site } from '../site-files.ts';
import { listenOn } from '../tcp-probe.ts';
import { canPing, connects, nothingInClear } from './checks.ts';
import type { Scenario } from './scenario.ts';

const { gwC, hostC } = widerAddresses;
const { hostB } = siteAddresses;

export const networks = {
  A: ['10.0.1.0/24', 'fd00:1::/64'],
  B: ['10.0.2.0/24', 'fd00:2::/64'],
  C: ['10.0.3.0/24', 'fd00:3::/64'],
} as const;

/** The SAs between sites A and C, as gwA has them; gwC has them the other way round. */
const keyedWithC = {
  outbound: { spi: 0x0a0c0001, key: { file: 'keys/a-to-c.key' } },
  inbound: { spi: 0x0c0a0001, key: { file: 'keys/c-to-a.key' } },
};

const selectorsOf = (local: readonly string[], remote: readonly string[]): Setting[] => [
  [['policies', 0, 'selectors', 'local_address'], local],
  [['policies', 0, 'selectors', 'remote_address'], remote],
];

const hub: Site = {
  place: 'gwA',
  example: 'site-a.yaml',
  settings: [
    ...selectorsOf([...networks.A, ...networks.C], networks.B),
    [['peers', 1], { name: 'site-c', address: gwC.outside.ipv4 }],
    [
      ['policies', 1],
      {
        name: 'site-a-to-site-c',
        priority: 110,
        selectors: { local_address: [...networks.A, ...networks.B], remote_address: networks.C },
        action: 'PROTECT',
        sa: { peer: 'site-c', proposal: 'aes256gcm16', manual: keyedWithC },
      },
    ],
  ],
};

const spokeB: Site = {
  place: 'gwB',
  example: 'site-b.yaml',
  settings: selectorsOf(networks.B, [...networks.A, ...networks.C]),
};

const spokeC: Site = {
  place: 'gwC',
  example: 'site-b.yaml',
  settings: [
    [['gateway', 'name'], 'site-c'],
    [['udp', 'listen'], `${gwC.outside.ipv4}:4500`],
    ...selectorsOf(networks.C, [...networks.A, ...networks.B]),
    [['policies', 0, 'name'], 'site-c-to-site-a'],
    [['policies', 0, 'sa', 'manual'], { outbound: keyedWithC.inbound, inbound: keyedWithC.outbound }],
  ],
};

const port = 7;

export const hubAndSpoke: Scenario = {
  name: 'hub-and-spoke',
  sentence: 'Two spokes speak with each other through the hub: in by one tunnel, out by the other.',
  drawing: `
   hostB ─── gwB ═══ wan ═══ gwC ─── hostC      spokes
                      ║
                     gwA ─── hostA              hub
`,
  plan: threeSites,
  sites: [hub, spokeB, spokeC],
  keys: [...exampleKeys, 'a-to-c', 'c-to-a'],
  check: async (lab) => {
    const close = await listenOn(lab.topology, 'hostC', [port]);
    try {
      return [
        await canPing(lab, 'hostA', hostC.ipv4),
        await canPing(lab, 'hostB', hostC.ipv4),
        await canPing(lab, 'hostC', hostB.ipv6),
        await connects(lab, 'hostB', hostC.ipv4, port, true),
        await nothingInClear(lab),
      ];
    } finally {
      await close();
    }
  },
  expectedDrops: [],
};
