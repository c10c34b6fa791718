// How many packets have arrived at hostB's interface. Not what a receiving program says: under overload that
// program starves and the figure would be its own.

import type { Topology } from '../../topology/topology.ts';

export interface Arrivals {
  readonly packets: number;
  /** Of performance.now(). */
  readonly atMs: number;
}

interface LinkStatistics {
  readonly stats64: { readonly rx: { readonly packets: number } };
}

export async function readArrivals(topology: Topology): Promise<Arrivals> {
  const before = performance.now();
  const output = await topology.runOrThrow('hostB', ['ip', '-s', '-j', 'link', 'show', 'dev', 'eth0']);
  const after = performance.now();
  return { packets: parseArrivals(output), atMs: (before + after) / 2 };
}

export function parseArrivals(output: string): number {
  const [link] = JSON.parse(output) as LinkStatistics[];
  if (link === undefined) throw new Error('ip shows no statistics of eth0 in hostB');
  return link.stats64.rx.packets;
}
