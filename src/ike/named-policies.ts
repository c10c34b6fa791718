// SPD entries that select by name (RFC 4301 §4.4.1.1, the first of the two uses, which all must have): the responder
// holds the name against the identity that the initiator has proved, and the addresses that the initiator asks for take
// the place of the entry's remote address in the SAs. The second use, users of one host, is for hosts only.

import { isSameDevice } from './uniqueness.ts';
import { isSameIdentity, matchesIdentity } from '../pad/identity.ts';
import type { TrafficSelector } from '../wire/ike/payload.ts';
import type { ChildSa } from './child-sa.ts';
import type { ChildPolicy } from './connection.ts';
import type { IkeSaState } from './ike-sa-state.ts';
import type { IkeSas } from './ike-sas.ts';
import type { Peers } from './peers.ts';
import { narrow } from './traffic-selectors.ts';

/** An entry with a name is for those who have proved it, any other for the whole PAD entry. */
export function isForPeer({ remoteNames }: ChildPolicy, { remoteIdentity }: IkeSaState): boolean {
  if (remoteNames === undefined) return true;
  return remoteIdentity !== undefined && remoteNames.some((name) => matchesIdentity(name, remoteIdentity));
}

/**
 * What the peer may be given of an entry's remote addresses.
 * @param replaces the Child SA that is replaced: the name goes on to stand for its addresses, wherever the peer is now
 */
export function remoteOf(
  { remoteNames, remote, isOwnAddressOnly }: ChildPolicy,
  { provedPath }: Pick<IkeSaState, 'provedPath'>,
  replaces: ChildSa | undefined,
): readonly TrafficSelector[] {
  if (remoteNames === undefined) return remote;
  if (replaces !== undefined) return narrow(replaces.remote, remote);
  if (isOwnAddressOnly !== true) return remote;
  // RFC 4301 §4.4.1.1 binds the initiator's source address to the name. Where neither the entry nor the PAD says which
  // addresses that may be (§4.4.3.4), it is the one that the peer is at: it could claim any other. A source is a claim, too.
  const { remoteAddress } = provedPath;
  const own = { protocol: 0, startPort: 0, endPort: 65_535, first: remoteAddress, last: remoteAddress };
  return narrow([own], remote);
}

/**
 * RFC 4301 §4.4.3.5: no peer gets what is another's. An address that stands for one identity stands for no second one
 * until the SAs of the first are gone.
 */
export function isHeldByOther(
  sas: Pick<IkeSas, 'holding'>,
  state: IkeSaState,
  remote: readonly TrafficSelector[],
  peers: Peers,
): boolean {
  const holders = new Set(remote.flatMap((range) => [...sas.holding(range)]));
  return [...holders].some(
    ({ state: other }) =>
      other.localSpi !== state.localSpi &&
      !isSamePeer(other, state) &&
      other.children.some(
        (child) =>
          peers.ofPolicy(child.policy)?.policy.remoteNames !== undefined &&
          narrow(remote, child.remote).length > 0,
      ),
  );
}

/** Of the same PAD entry, too: what it says may have changed since the other began. Two devices are two peers. */
function isSamePeer(one: IkeSaState, other: IkeSaState): boolean {
  const [a, b] = [one.remoteIdentity, other.remoteIdentity];
  return (
    one.connection?.name === other.connection?.name &&
    a !== undefined &&
    b !== undefined &&
    isSameIdentity(a, b) &&
    isSameDevice(one, other)
  );
}
