// Which peers are measured: those that were asked for and are here. What is asked for and missing is told.

import type { Peer } from './peers/peer.ts';

export interface ChosenPeer {
  readonly peer: Peer;
  readonly version: string;
}

export interface Choice {
  readonly chosen: readonly ChosenPeer[];
  /** One line for each peer that was asked for and cannot be measured, with the mend. */
  readonly complaints: readonly string[];
}

/** @param beginnings names or their beginnings; empty = all */
export async function choosePeers(peers: readonly Peer[], beginnings: readonly string[]): Promise<Choice> {
  const complaints = beginnings
    .filter((beginning) => !peers.some(({ name }) => name.startsWith(beginning)))
    .map(
      (beginning) => `${beginning}: no such peer; the peers are ${peers.map(({ name }) => name).join(', ')}`,
    );
  const chosen: ChosenPeer[] = [];
  for (const peer of peers) {
    if (beginnings.length > 0 && !beginnings.some((beginning) => peer.name.startsWith(beginning))) continue;
    const availability = await peer.probe();
    if (availability.kind === 'available') chosen.push({ peer, version: availability.version });
    else complaints.push(`${peer.name} is left out: ${availability.reason}; mend: ${availability.mend}`);
  }
  return { chosen, complaints };
}
