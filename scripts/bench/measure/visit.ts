// One peer, started, with everything that a measurement needs.

import type { Topology } from '../../topology/topology.ts';
import type { UdpGenerator } from '../generator/generator.ts';
import type { RunningPeer } from '../peers/peer.ts';

export interface Visit {
  readonly topology: Topology;
  readonly peer: RunningPeer;
  /** Length of each run. */
  readonly seconds: number;
  /** Opened on first use. */
  generator(): Promise<UdpGenerator>;
  /** Says something about the figure that follows. */
  say(line: string): void;
}
