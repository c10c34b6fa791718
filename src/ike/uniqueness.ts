// How many IKE SAs there may be between a pair of identities. RFC 7296 §2.4 leaves it open; both sides often begin at
// once, and then two stand. Which of two goes, both sides know without a message, so they never take both away.

import { isSameIdentity } from '../pad/identity.ts';
import { hasManyDevices, type Connection } from './connection.ts';
import type { IkeSaState } from './ike-sa-state.ts';
import type { Entry } from './ike-sas.ts';

/** One is the successor of the other, or the connection knows no more than one device of an identity. */
export function isSameDevice(one: IkeSaState, other: IkeSaState): boolean {
  const isOnly = one.connection === undefined || !hasManyDevices(one.connection);
  return isOnly || one.origin.localSpi === other.origin.localSpi;
}

/** Of two IKE SAs between the same identities one goes. */
export interface Superseded {
  readonly loser: Entry;
  readonly heir: Entry;
  /** This side takes it away; otherwise the peer does, and this side only where the peer does not. */
  readonly isOurs: boolean;
}

/** The two sides of both are the same; the peer may have several identities that one connection allows. */
export function isSamePair(one: IkeSaState, other: IkeSaState): boolean {
  const [a, b] = [one.remoteIdentity, other.remoteIdentity];
  return one.connection === other.connection && a !== undefined && b !== undefined && isSameIdentity(a, b);
}

/** @param established by this event @param others of the same peer */
export function findSuperseded(established: Entry, others: readonly Entry[]): readonly Superseded[] {
  const policy = established.state.connection?.unique;
  if (policy === undefined || policy === 'never') return [];
  return others.flatMap((other) => {
    const isRival =
      other !== established &&
      other.state.phase === 'established' &&
      other.state.superseded === undefined &&
      isSamePair(other.state, established.state);
    return isRival ? [choose(established, other)] : [];
  });
}

function choose(newer: Entry, older: Entry): Superseded {
  const [one, two] = [newer.state.origin, older.state.origin];
  const began = (older.establishedOrder ?? Infinity) < newer.beganOrder;
  if (began || one.isOurs === two.isOurs)
    // One after the other: the peer may have forgotten the older one. Whoever answered the newer one takes it away.
    return { loser: older, heir: newer, isOurs: !one.isOurs };
  // Both sides began at once, each one of the two.
  const newerGoes = one.initiatorSpi < two.initiatorSpi;
  const [loser, heir] = newerGoes ? [newer, older] : [older, newer];
  return { loser, heir, isOurs: loser.state.origin.isOurs };
}

/** The one that the peer wants to make is not wanted here (`keep`). @param others of the same peer */
export function isUnwanted(
  candidate: Pick<Entry, 'beganOrder'> & { readonly state: IkeSaState },
  connection: Connection,
  others: readonly Entry[],
): boolean {
  return (
    connection.unique === 'keep' &&
    others.some(
      ({ state, establishedOrder }) =>
        state.phase === 'established' &&
        state.superseded === undefined &&
        isSamePair(state, candidate.state) &&
        (establishedOrder ?? Infinity) < candidate.beganOrder,
    )
  );
}
