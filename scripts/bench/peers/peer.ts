// What the benchmark knows of a peer: whether it is here, and how to start and stop it at both gateways.

import type { Topology } from '../../topology/topology.ts';
import type { Gateway } from '../sites.ts';

export type Availability =
  | { readonly kind: 'available'; readonly version: string }
  /** `mend` is what a person can do about it. */
  | { readonly kind: 'missing'; readonly reason: string; readonly mend: string };

export interface Peer {
  readonly name: string;
  probe(): Promise<Availability>;
  /**
   * Starts the peer at both gateways; forwarding from host to host works soon after.
   * @param directory an empty directory of this start's own
   */
  start(topology: Topology, directory: string): Promise<RunningPeer>;
}

export interface RunningPeer {
  /** The processes whose CPU time counts; empty where the kernel does the work. */
  readonly processIds: readonly number[];
  /**
   * Stops one gateway and starts it again; left out where keys have to be agreed on first, so that there is no start without them.
   * @returns when it was started, in milliseconds since 1970
   */
  startAgain?(gateway: Gateway): Promise<number>;
  /** Throws where a process of the peer has ended. */
  checkAlive(): void;
  stop(): Promise<void>;
}

/** The mend of everything that Debian has. */
export const INSTALL_PEERS = 'npm run bench -- --install-peers';

export function missing(what: string): Availability {
  return { kind: 'missing', reason: `${what} is missing`, mend: INSTALL_PEERS };
}
