// Gathers what the status page shows of all peers and policies, in steps: there may be tens of thousands. What one request
// shows of it is cut out by `cutState`.

import { wallClockMs } from '../../base/clock.ts';
import { CARRYING } from '../vici/extensions/carrying.ts';
import { peerStatus } from '../vici/extensions/peer-status.ts';
import type { PolicyStatus } from '../vici/extensions/policies.ts';
import type { PeerStatus } from '../vici/extensions/status.ts';
import { selectorText } from '../vici/selector-text.ts';
import type { IkeSaView } from '../vici/vici-gateway.ts';
import type { PageGateway } from './page-gateway.ts';
import type { PageCounts, PageState } from './page-state.ts';

/** Of each list: a person looks for the rest by name. */
export const MOST_ROWS = 200;

export interface CollectedState {
  readonly peers: readonly PeerStatus[];
  readonly policies: readonly PolicyStatus[];
  readonly counts: PageCounts;
  readonly bytesOut: number;
  readonly bytesIn: number;
}

export function* collectState(gateway: PageGateway): Generator<void, CollectedState> {
  const ikeSasOf = new Map<string, IkeSaView[]>();
  const pairsOf = new Map<string, number>();
  for (const ikeSa of gateway.ikeSas) {
    const known = ikeSasOf.get(ikeSa.name);
    if (known === undefined) ikeSasOf.set(ikeSa.name, [ikeSa]);
    else known.push(ikeSa);
    for (const { name, state } of ikeSa.children)
      if (CARRYING.has(state)) pairsOf.set(name, (pairsOf.get(name) ?? 0) + 1);
    yield;
  }
  const peers: PeerStatus[] = [];
  const counts = { peers: 0, up: 0, connecting: 0, down: 0, policies: 0 };
  let [bytesOut, bytesIn] = [0, 0];
  for (const connection of gateway.connections) {
    const peer = peerStatus(connection, ikeSasOf.get(connection.name) ?? [], gateway);
    peers.push(peer);
    counts.peers++;
    for (const tunnel of peer.tunnels) {
      counts[tunnel.state]++;
      bytesOut += tunnel.bytesOut;
      bytesIn += tunnel.bytesIn;
    }
    yield;
  }
  const policies: PolicyStatus[] = [];
  for (const policy of gateway.policies) {
    const { name, action } = policy;
    const isProtected = action === 'PROTECT';
    policies.push({
      ...policy,
      local: policy.local.map(selectorText),
      remote: policy.remote.map(selectorText),
      childSas: isProtected ? (pairsOf.get(name) ?? 0) : undefined,
      traffic: isProtected ? gateway.trafficOf(name) : gateway.hitsOf(name),
    });
    counts.policies++;
    yield;
  }
  return { peers, policies, counts, bytesOut, bytesIn };
}

export interface WantedState {
  /** A part of the name of a peer, a tunnel or a policy. */
  readonly find: string;
  /** Whose last messages are wanted. */
  readonly peer: string;
}

export function cutState(
  gateway: PageGateway,
  { peers, policies, counts, bytesOut, bytesIn }: CollectedState,
  { find, peer }: WantedState,
  actions: boolean,
): PageState {
  const { stats, packets } = gateway;
  const isFound = (name: string): boolean => name.toLowerCase().includes(find);
  return {
    name: gateway.name,
    version: gateway.version,
    engine: gateway.implementations.esp,
    tun: gateway.tun,
    runningSeconds: Math.max(0, Math.floor((wallClockMs() - stats.startedMs) / 1000)),
    ikeSas: stats.ikeSas,
    halfOpenIkeSas: stats.halfOpenIkeSas,
    packetsOut: packets.out,
    packetsIn: packets.in,
    bytesOut,
    bytesIn,
    lastTrouble: gateway.troubleOf(),
    actions,
    counts,
    peers: firstOf(
      peers.filter(({ name, tunnels }) => isFound(name) || tunnels.some((one) => isFound(one.name))),
    ),
    policies: policies.filter(({ name }) => isFound(name)).slice(0, MOST_ROWS),
    drops: gateway.drops,
    ladder: gateway.ladderOf(peer),
  };
}

/** As many peers as have so many tunnels together. */
function firstOf(peers: readonly PeerStatus[]): readonly PeerStatus[] {
  const shown: PeerStatus[] = [];
  let left = MOST_ROWS;
  for (const peer of peers) {
    if (left <= 0) break;
    shown.push({ ...peer, tunnels: peer.tunnels.slice(0, left) });
    left -= Math.max(1, peer.tunnels.length);
  }
  return shown;
}
