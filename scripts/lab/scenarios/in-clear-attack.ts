// Somebody on the wan sends packets in clear with the other site's addresses: RFC 4301 §5.2 drops them.

import { siteAddresses } from '../../topology/plan.ts';
import { withWebHost } from '../../topology/wider-plans.ts';
import { exampleKeys, twoSites } from '../site-files.ts';
import { webDrawing } from './bypass-exception.ts';
import { canPing, nothingInClear } from './checks.ts';
import type { Check, RunningLab, Scenario } from './scenario.ts';

const { hostA, hostB } = siteAddresses;
/** A size that nobody else uses tells the attacker's packets from all others. */
const attackPayloadBytes = 123;

/** hostA counts what the attacker's packets would be if they came through. */
const counterOfHostA = `
table inet lab {
  counter attack {}
  chain input {
    type filter hook input priority filter; policy accept;
    meta l4proto { icmp, icmpv6 } meta length { ${20 + 8 + attackPayloadBytes}, ${40 + 8 + attackPayloadBytes} } counter name attack
  }
}
`;

async function attack({ topology, signal }: RunningLab, source: string, target: string): Promise<void> {
  const pace = ['-c', '5', '-i', '0.1', '-W', '1', '-s', String(attackPayloadBytes)];
  await topology.run('web', ['ping', '-n', ...pace, '-I', source, target], { signal, timeoutMs: 15_000 });
}

async function nothingArrived({ topology }: RunningLab): Promise<Check> {
  const listing = await topology.runOrThrow('hostA', ['nft', 'list', 'counters']);
  const packets = Number(/packets (\d+)/.exec(listing)?.[1]);
  return {
    what: 'none of the packets that came in clear reaches hostA',
    holds: packets === 0,
    seen: `${packets} of 10`,
  };
}

export const inClearAttack: Scenario = {
  name: 'in-clear-attack',
  sentence: 'Packets in clear with the addresses of the other site do not get in.',
  drawing: webDrawing,
  plan: withWebHost,
  sites: twoSites,
  keys: exampleKeys,
  prepare: async (topology) => {
    await topology.runOrThrow('hostA', ['nft', '-f', '-'], { input: counterOfHostA });
    await topology.runOrThrow('web', ['ip', 'address', 'add', `${hostB.ipv4}/32`, 'dev', 'lo']);
    await topology.runOrThrow('web', ['ip', 'address', 'add', `${hostB.ipv6}/128`, 'dev', 'lo', 'nodad']);
  },
  check: async (lab) => {
    await attack(lab, hostB.ipv4, hostA.ipv4);
    await attack(lab, hostB.ipv6, hostA.ipv6);
    return [
      await nothingArrived(lab),
      await canPing(lab, 'hostA', hostB.ipv4),
      await canPing(lab, 'hostA', hostB.ipv6),
      await nothingInClear(lab),
    ];
  },
  expectedDrops: ['guard-protect'],
};
