// What the status page needs of the gateway that runs.

import type { ViciGateway } from '../vici/vici-gateway.ts';
import type { LadderStep } from './page-state.ts';

export interface PageGateway extends ViciGateway {
  /** The last messages of IKE with a peer, oldest first. */
  ladderOf(peer: string): readonly LadderStep[];
}
