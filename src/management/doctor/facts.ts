// All that the checks of the doctor judge by: read before, so that each check is a function of it.

import type { Address } from '../../base/address.ts';
import type { HostFacts } from '../../host/host-facts.ts';
import type { HostNetworkPlan } from '../../host/host-plan.ts';
import type { HostProgram, PortOwner } from '../../host/probes/host-programs.ts';
import type { DeviceState, HostState } from '../../host/probes/host-state.ts';
import type { FilterReport } from '../../host/probes/packet-filter.ts';
import type { RoutingState } from '../../host/routing-state.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { AskedPeer } from './peer-question.ts';
import type { GatewayStatus, PeerStatus } from '../vici/extensions/status.ts';

export interface DoctorFacts {
  readonly nodeVersion: string;
  /** Why the native addon cannot be loaded; undefined: it can. */
  readonly addonProblem: string | undefined;
  readonly wallClockMs: number;
  readonly host: HostState;
  /** undefined where the host has no packet filter that can be looked at. */
  readonly filter: FilterReport;
  readonly daemons: readonly HostProgram[];
  readonly kernelIpsec: { readonly states: number; readonly policies: number } | undefined;
  readonly ports: readonly PortOwner[] | undefined;
  readonly gateway: RunningGateway | string;
  /** A string: why there is none to go by. */
  readonly setup: Setup | string;
  /** Peers without an IKE SA. */
  readonly asked: readonly AskedPeer[];
}

export interface RunningGateway {
  readonly status: GatewayStatus;
  readonly peers: readonly PeerStatus[];
}

/** A configuration, and what of the host belongs to it. */
export interface Setup {
  readonly config: LoadedConfig;
  /** undefined: the host does not let it be planned, for the reason that is in `planProblem`. */
  readonly network: { readonly facts: HostFacts; readonly plan: HostNetworkPlan } | undefined;
  readonly planProblem: string | undefined;
  readonly tun: DeviceState | undefined;
  /** On the unprotected side. */
  readonly outside: readonly DeviceState[];
  readonly routing: Readonly<Record<4 | 6, RoutingState>>;
  readonly hasGuard: boolean | undefined;
  /** Addresses of names, or why there are none. */
  readonly names: ReadonlyMap<string, readonly Address[] | string>;
  readonly certificates: readonly CertificateFact[];
  /** Where the kernel sends packets for networks of this side, by the network. */
  readonly ownNetworks: ReadonlyMap<string, string | undefined>;
}

export interface CertificateFact {
  readonly path: string;
  /** Why it cannot be read. */
  readonly problem: string | undefined;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}
