// What the router between the sites sees, counted by nftables before it decides where a packet goes.

import { z } from 'zod';
import type { Topology } from '../topology/topology.ts';

export interface WanCounters {
  /** Datagrams between the gateways; a train of segments counts as one. */
  readonly forwarded: number;
  /** Packets of one site for another that left it unprotected. */
  readonly inClear: number;
  /** Packets of a site for the web host, in clear as a policy wants them. */
  readonly toWeb: number;
}

// What the web host sends with a false source is an attack, and no leak.
const ruleset = `
table inet lab {
  counter forwarded {}
  counter in_clear {}
  counter to_web {}
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    udp dport 4500 counter name forwarded return
    udp sport 4500 counter name forwarded return
    iifname "toWeb" return
    ip daddr 192.0.2.80 counter name to_web return
    ip6 daddr 2001:db8:e::80 counter name to_web return
    ip saddr 10.0.0.0/8 ip daddr 10.0.0.0/8 counter name in_clear
    ip6 saddr fd00::/16 ip6 daddr fd00::/16 counter name in_clear
  }
}
`;

/** Starts to count. Before the gateways start, so that nothing is missed. */
export async function watchWan(topology: Topology): Promise<void> {
  await topology.runOrThrow('wan', ['nft', '-f', '-'], { input: ruleset });
}

export async function readWanCounters(topology: Topology): Promise<WanCounters> {
  return parseWanCounters(await topology.runOrThrow('wan', ['nft', '-j', 'list', 'counters']));
}

const listingSchema = z.object({
  nftables: z.array(z.object({ counter: z.object({ name: z.string(), packets: z.number() }).optional() })),
});

/** @param listing JSON of `nft list counters` */
export function parseWanCounters(listing: string): WanCounters {
  const { nftables } = listingSchema.parse(JSON.parse(listing));
  const packets = new Map(nftables.map(({ counter }) => [counter?.name, counter?.packets ?? 0]));
  return {
    forwarded: packets.get('forwarded') ?? 0,
    inClear: packets.get('in_clear') ?? 0,
    toWeb: packets.get('to_web') ?? 0,
  };
}
