// `isthmus status`: how the gateway and its tunnels are. It looks twice, because a rate is the difference of two looks.

import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../../../base/clock.ts';
import {
  GATEWAY_STATUS,
  PEER_STATUS,
  type GatewayStatus,
  type PeerStatus,
} from '../../vici/extensions/status.ts';
import { EMPTY } from '../../vici/message.ts';
import type { Output } from '../output.ts';
import { paintFor } from './paint.ts';
import { Rates } from './rates.ts';
import { renderStatus, type Rate } from './render-status.ts';
import { withSession, type ControlOptions } from './with-session.ts';
import type { ViciSession } from './vici-session.ts';

/** Between the two looks. */
const BETWEEN_MS = 400;

export interface StatusOptions extends ControlOptions {
  /** Only peers with a tunnel that is not up. */
  readonly down?: boolean;
}

export interface WholeStatus {
  readonly gateway: GatewayStatus;
  readonly peers: readonly PeerStatus[];
}

export async function showStatus(options: StatusOptions, output: Output): Promise<void> {
  const { gateway, peers, rates } = await withSession(options, readTwice);
  const isShown = ({ tunnels }: PeerStatus): boolean =>
    options.down !== true || tunnels.some(({ state }) => state !== 'up');
  const shown = peers.filter(isShown);
  output.out(
    options.json === true
      ? `${JSON.stringify({ gateway, peers: shown, rates: Object.fromEntries(rates) }, undefined, 2)}\n`
      : renderStatus(gateway, shown, paintFor(output), moving(rates)),
  );
}

async function readTwice(
  session: ViciSession,
): Promise<WholeStatus & { readonly rates: ReadonlyMap<string, Rate> }> {
  const rates = new Rates();
  const first = await readStatus(session);
  const before = rates.take(first.peers, monotonicMs());
  const isUp = ({ tunnels }: PeerStatus): boolean => tunnels.some(({ state }) => state === 'up');
  if (!first.peers.some(isUp)) return { ...first, rates: before };
  await sleep(BETWEEN_MS);
  const second = await readStatus(session);
  return { ...second, rates: rates.take(second.peers, monotonicMs()) };
}

function moving(rates: ReadonlyMap<string, Rate>): ReadonlyMap<string, Rate> {
  return new Map([...rates].filter(([, { bitsOut, bitsIn }]) => bitsOut + bitsIn > 0));
}

export async function readStatus(session: ViciSession): Promise<WholeStatus> {
  const peers: PeerStatus[] = [];
  const answer = await session.stream('isthmus-status', 'isthmus-peer', EMPTY, (message) => {
    peers.push(PEER_STATUS.decode(message, 'isthmus-peer'));
  });
  return { gateway: GATEWAY_STATUS.decode(answer, 'isthmus-status'), peers };
}
