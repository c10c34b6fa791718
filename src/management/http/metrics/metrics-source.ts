// What the gateway counts, for the metrics. Counters begin at the start of the process and never get less, whoever rekeys,
// reloads or resets.

import type { Traffic } from '../../vici/extensions/status.ts';

export interface TunnelFigures {
  readonly connection: string;
  readonly child: string;
  /** SAs that are in force. */
  readonly sas: { readonly inbound: number; readonly outbound: number };
  readonly traffic: Traffic;
}

/** A policy with BYPASS or DISCARD. */
export interface PolicyFigures {
  readonly policy: string;
  readonly action: 'BYPASS' | 'DISCARD';
  readonly hits: Traffic;
}

export interface DropTotal {
  readonly reason: string;
  readonly direction: 'inbound' | 'outbound';
  readonly packets: number;
}

export interface HistogramFigures {
  /** Cumulative; the last bound is Infinity. */
  readonly buckets: readonly { readonly bound: number; readonly count: number }[];
  readonly sum: number;
  readonly count: number;
}

export interface EventFigures {
  readonly event: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly count: number;
}

export interface ProcessFigures {
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  /** Since 1970. */
  readonly startSeconds: number;
  /** Of the main thread, since the last time they were read. */
  readonly eventLoopDelaySeconds: {
    readonly p50: number;
    readonly p99: number;
    readonly max: number;
  };
}

export interface MetricsSource {
  readonly name: string;
  readonly version: string;
  readonly engine: string;
  /** Every PROTECT policy, whether it has SAs or not. Each is looked at when its turn comes. */
  readonly tunnels: Iterable<TunnelFigures>;
  readonly policies: Iterable<PolicyFigures>;
  /** IKE SAs that are established, by connection; those without one are among them. */
  readonly ikeSas: ReadonlyMap<string, number>;
  readonly halfOpenIkeSas: number;
  readonly cookiesAsked: number;
  /** Inner packets. */
  readonly packets: { readonly out: number; readonly in: number };
  /** What the worker sends and receives beside, by name. */
  readonly otherPackets: ReadonlyMap<string, number>;
  /** In which workers looked for packets in place of sleeping. */
  readonly busyPollSeconds: number;
  /** `ike-init-in-req` …, strongSwan's names. */
  readonly ikeMessages: ReadonlyMap<string, number>;
  readonly ikeEvents: Iterable<EventFigures>;
  readonly handshakes: Readonly<Record<'initiator' | 'responder', HistogramFigures>>;
  readonly process: ProcessFigures;
  /** The guard's among them: the kernel has to be asked. */
  drops(): Promise<Iterable<DropTotal>>;
}
