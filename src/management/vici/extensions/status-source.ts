// What the gateway knows of itself beside its SAs and its configuration, for the status.

import type { LarvalView, SaView } from '../../../sad/sa-view.ts';
import type { Explanation, ImaginedPacket } from './explain.ts';
import type { PageStatus } from './page.ts';
import type { DropStatus, PrivilegeStatus, Traffic, Trouble } from './status.ts';

export interface StatusSource {
  /** Of the configuration. */
  readonly name: string;
  /** Path of the configuration. */
  readonly file: string;
  /** Name of the TUN. */
  readonly tun: string;
  readonly privileges: PrivilegeStatus;
  /** Where the status page is. */
  readonly page: PageStatus;
  /** Inner packets since the start. */
  readonly packets: { readonly out: number; readonly in: number };
  /** The reasons that were met, those of IKE included; the most frequent first. */
  readonly drops: readonly DropStatus[];
  /** Packets in clear that the guard has dropped; asks the kernel. */
  guardDrops(): Promise<readonly DropStatus[]>;
  /** What went wrong last with a peer; without a name, with the gateway itself. Its time is exact. */
  troubleOf(peer?: string): Trouble | undefined;
  /** Since SAs of a policy were made that replaced none, exactly; undefined where there were none yet. */
  secondsSinceMade(policy: string): number | undefined;
  /** Walks a packet, and its answer, through what is in force; changes nothing. */
  explain(packet: ImaginedPacket): Explanation;
  /** The SAD, what is only reserved included. Each is looked at when its turn comes. */
  readonly securityAssociations: Iterable<SaView | LarvalView>;
  /** What SAs of a policy have carried since the start, those that are gone included: it never gets less. */
  trafficOf(policy: string): Traffic;
  /** Packets that met a policy with BYPASS or DISCARD since the start. */
  hitsOf(policy: string): Traffic;
}
