// What a name on the command line means: a PROTECT policy, or a peer with all of its policies.

import type { PeerStatus, TunnelStatus } from '../../vici/extensions/status.ts';
import { nearestWord } from '../../config/nearest-word.ts';
import { RefusedError } from './control-errors.ts';

export interface Target {
  readonly kind: 'policy' | 'peer';
  readonly peer: PeerStatus;
  /** One of a policy, all of a peer. */
  readonly tunnels: readonly TunnelStatus[];
}

/** @param kind undefined: whichever has the name @throws RefusedError */
export function findTarget(
  peers: readonly PeerStatus[],
  name: string,
  kind: Target['kind'] | undefined,
): Target {
  const holder = peers.find(({ tunnels }) => tunnels.some((tunnel) => tunnel.name === name));
  const policy: Target | undefined = holder && {
    ...{ kind: 'policy', peer: holder, tunnels: holder.tunnels.filter((tunnel) => tunnel.name === name) },
  };
  const named = peers.find((peer) => peer.name === name);
  const peer: Target | undefined = named && { kind: 'peer', peer: named, tunnels: named.tunnels };
  if (kind === undefined && policy !== undefined && peer !== undefined)
    throw new RefusedError(`'${name}' is a policy and a peer: say --policy or --peer`);
  const found = kind === 'peer' ? peer : kind === 'policy' ? policy : (policy ?? peer);
  if (found !== undefined) return found;
  const words = peers.flatMap((one) => [
    ...(kind === 'policy' ? [] : [one.name]),
    ...(kind === 'peer' ? [] : one.tunnels.map((tunnel) => tunnel.name)),
  ]);
  const nearest = nearestWord(name, words);
  const hint = nearest === undefined ? '; isthmus status names them' : `; did you mean '${nearest}'?`;
  throw new RefusedError(`there is no ${NOUNS[kind ?? 'any']} '${name}'${hint}`);
}

const NOUNS = { policy: 'PROTECT policy', peer: 'peer', any: 'PROTECT policy or peer' } as const;
