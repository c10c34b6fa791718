// Two gateways behind one NAT, with the same SPI: the answering gateway tells them apart, because it finds outbound
// SAs by policy and never by (SPI, destination).

import { siteAddresses } from '../../topology/plan.ts';
import { twoSitesBehindNat, widerAddresses } from '../../topology/wider-plans.ts';
import type { Topology } from '../../topology/topology.ts';
import { exampleKeys, type Setting, type Site } from '../site-files.ts';
import { canPing, nothingInClear } from './checks.ts';
import { networks } from './hub-and-spoke.ts';
import type { Scenario } from './scenario.ts';

const { behindNat, hostC } = widerAddresses;
const { hostA, hostB } = siteAddresses;

/** What gwB and gwC chose, by chance, both. */
const sameSpi = 0x0a0b0001;

const masquerade = `
table ip lab {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "outside" masquerade
  }
}
`;

const keyedWithC = {
  outbound: { spi: sameSpi, key: { file: 'keys/a-to-c.key' } },
  inbound: { spi: 0x0c0a0001, key: { file: 'keys/c-to-a.key' } },
};

/** The NAT decides where a peer's datagrams come from: its address is learnt from what it authenticated. */
const behind = (name: string): object => ({ name, address: 'any', follow_address: true });

const center: Site = {
  place: 'gwA',
  example: 'site-a.yaml',
  settings: [
    [['peers'], [behind('site-b'), behind('site-c')]],
    [
      ['policies', 1],
      {
        name: 'site-a-to-site-c',
        priority: 110,
        selectors: { local_address: networks.A, remote_address: networks.C },
        action: 'PROTECT',
        sa: { peer: 'site-c', proposal: 'aes256gcm16', manual: keyedWithC },
      },
    ],
  ],
};

const listening = (address: string): Setting => [['udp', 'listen'], `${address}:4500`];

const siteB: Site = {
  place: 'gwB',
  example: 'site-b.yaml',
  settings: [listening(behindNat.gwB.ipv4)],
};

const siteC: Site = {
  place: 'gwC',
  example: 'site-b.yaml',
  settings: [
    [['gateway', 'name'], 'site-c'],
    listening(behindNat.gwC.ipv4),
    [['policies', 0, 'name'], 'site-c-to-site-a'],
    [['policies', 0, 'selectors', 'local_address'], networks.C],
    [['policies', 0, 'sa', 'manual'], { outbound: keyedWithC.inbound, inbound: keyedWithC.outbound }],
  ],
};

export const sameSpiBehindNat: Scenario = {
  name: 'same-spi-behind-nat',
  sentence: 'Two gateways behind one NAT receive with the same SPI, and each gets its own packets.',
  drawing: `
   hostA ─── gwA ═══ wan ═══ nat ═╦═ gwB ─── hostB
                                  ╚═ gwC ─── hostC
`,
  plan: twoSitesBehindNat,
  sites: [center, siteB, siteC],
  keys: [...exampleKeys, 'a-to-c', 'c-to-a'],
  prepare: async (topology: Topology) => {
    await topology.runOrThrow('nat', ['nft', '-f', '-'], { input: masquerade });
  },
  // Only who is behind the NAT can begin.
  settle: async (lab) => {
    await canPing(lab, 'hostB', hostA.ipv4);
    await canPing(lab, 'hostC', hostA.ipv4);
  },
  check: async (lab) => [
    await canPing(lab, 'hostA', hostB.ipv4),
    await canPing(lab, 'hostA', hostC.ipv4),
    await canPing(lab, 'hostA', hostC.ipv6),
    await canPing(lab, 'hostC', hostA.ipv4),
    await nothingInClear(lab),
  ],
  expectedDrops: [],
};
