// Gathers what the status page shows of all peers and policies, in steps: there may be tens of thousands. What one request
// shows of it is found by `searchState` and cut out by `cutState`.

import { CARRYING } from '../vici/extensions/carrying.ts';
import { peerStatus } from '../vici/extensions/peer-status.ts';
import type { PolicyStatus } from '../vici/extensions/policies.ts';
import type { PeerStatus } from '../vici/extensions/status.ts';
import { selectorText } from '../../wire/ike/selector-text.ts';
import type { IkeSaView, StatsView } from '../vici/vici-gateway.ts';
import type { PageGateway } from './page-gateway.ts';
import type { PageCounts, PageState } from './page-state.ts';

/** Of each list: a person looks for the rest by name. */
export const MOST_ROWS = 200;

export interface StateRows {
  readonly peers: readonly PeerStatus[];
  readonly policies: readonly PolicyStatus[];
}

export interface CollectedState extends StateRows {
  readonly stats: StatsView;
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
  return { peers, policies, stats: gateway.stats, counts, bytesOut, bytesIn };
}

/** What has these small letters in the name of a peer, a tunnel or a policy; no more than is shown. */
export function* searchState({ peers, policies }: StateRows, find: string): Generator<void, StateRows> {
  const isFound = ({ name }: { readonly name: string }): boolean => name.toLowerCase().includes(find);
  const found: { peers: PeerStatus[]; policies: PolicyStatus[] } = { peers: [], policies: [] };
  for (const peer of peers) {
    if (found.peers.length === MOST_ROWS) break;
    if (isFound(peer) || peer.tunnels.some(isFound)) found.peers.push(peer);
    yield;
  }
  for (const policy of policies) {
    if (found.policies.length === MOST_ROWS) break;
    if (isFound(policy)) found.policies.push(policy);
    yield;
  }
  return found;
}

export interface WantedState {
  /** Whose last messages are wanted. */
  readonly peer: string;
  readonly actions: boolean;
  readonly hasSession: boolean;
}

export function cutState(
  gateway: PageGateway,
  { stats, counts, bytesOut, bytesIn }: CollectedState,
  rows: StateRows,
  { peer, actions, hasSession }: WantedState,
): PageState {
  const { packets } = gateway;
  return {
    name: gateway.name,
    version: gateway.version,
    engine: gateway.implementations.esp,
    tun: gateway.tun,
    runningSeconds: Math.floor(stats.runningMs / 1000),
    ikeSas: stats.ikeSas,
    halfOpenIkeSas: stats.halfOpenIkeSas,
    packetsOut: packets.out,
    packetsIn: packets.in,
    bytesOut,
    bytesIn,
    lastTrouble: gateway.troubleOf(),
    actions,
    hasSession,
    counts,
    peers: firstOf(rows.peers),
    policies: rows.policies.slice(0, MOST_ROWS),
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
