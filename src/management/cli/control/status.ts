// `isthmus status`: how the gateway and its tunnels are.

import {
  GATEWAY_STATUS,
  PEER_STATUS,
  type GatewayStatus,
  type PeerStatus,
} from '../../vici/extensions/status.ts';
import { EMPTY } from '../../vici/message.ts';
import type { Output } from '../output.ts';
import { paintFor } from './paint.ts';
import { renderStatus } from './render-status.ts';
import { withSession, type ControlOptions } from './with-session.ts';
import type { ViciSession } from './vici-session.ts';

export interface StatusOptions extends ControlOptions {
  /** Only peers with a tunnel that is not up. */
  readonly down?: boolean;
}

export interface WholeStatus {
  readonly gateway: GatewayStatus;
  readonly peers: readonly PeerStatus[];
}

export async function showStatus(options: StatusOptions, output: Output): Promise<void> {
  const { gateway, peers } = await withSession(options, readStatus);
  const isShown = ({ tunnels }: PeerStatus): boolean =>
    options.down !== true || tunnels.some(({ state }) => state !== 'up');
  const shown = peers.filter(isShown);
  output.out(
    options.json === true
      ? `${JSON.stringify({ gateway, peers: shown }, undefined, 2)}\n`
      : renderStatus(gateway, shown, paintFor(output)),
  );
}

export async function readStatus(session: ViciSession): Promise<WholeStatus> {
  const peers: PeerStatus[] = [];
  const answer = await session.stream('isthmus-status', 'isthmus-peer', EMPTY, (message) => {
    peers.push(PEER_STATUS.decode(message, 'isthmus-peer'));
  });
  return { gateway: GATEWAY_STATUS.decode(answer, 'isthmus-status'), peers };
}
