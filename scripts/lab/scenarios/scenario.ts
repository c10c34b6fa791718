// What a scenario of the lab is: a topology, the gateways' settings, and the point that it shows.

import type { TopologyPlan } from '../../topology/plan.ts';
import type { Topology } from '../../topology/topology.ts';
import type { GatewayPlace, Site } from '../site-files.ts';
import type { WanCounters } from '../wan-counters.ts';

/** One thing that must be so, and what was seen. */
export interface Check {
  readonly what: string;
  readonly holds: boolean;
  readonly seen: string;
}

/** The lab while its gateways run. */
export interface RunningLab {
  readonly topology: Topology;
  readonly signal: AbortSignal;
  readonly wan: () => Promise<WanCounters>;
  /** SIGKILL, as a crash would be. Resolves when the process is gone. */
  readonly kill: (place: GatewayPlace) => Promise<void>;
}

export interface Scenario {
  /** As --scenario takes it. */
  readonly name: string;
  /** The point, for a person. */
  readonly sentence: string;
  readonly drawing: string;
  readonly plan: TopologyPlan;
  readonly sites: readonly Site[];
  /** Names of the keys that the sites share. */
  readonly keys: readonly string[];
  /** The same with keys made by IKE, where that makes no difference to the point. */
  readonly ike?: { readonly sites: readonly Site[]; readonly keys: readonly string[] };
  /** Sets the host up before the gateways start. */
  readonly prepare?: (topology: Topology) => Promise<void>;
  /** Waits for what the measurement needs. */
  readonly settle?: (lab: RunningLab) => Promise<void>;
  /** Shows the point, after ping and iperf3 went from hostA to hostB. */
  readonly check: (lab: RunningLab) => Promise<readonly Check[]>;
  /** Reasons for which the gateways must have dropped packets. */
  readonly expectedDrops: readonly string[];
}
