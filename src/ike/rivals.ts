// What becomes of the other IKE SAs with a peer when one is established: those that the peer has forgotten, those that are
// one too many (uniqueness.ts), and what this side has only asked for. RFC 7296 §2.4.

import type { IkeEvent } from './effects.ts';
import type { Entry, IkeSas } from './ike-sas.ts';
import type { StoryTeller } from './story-teller.ts';
import { findSuperseded, isSamePair } from './uniqueness.ts';

interface RivalsParts {
  readonly sas: Pick<IkeSas, 'ofPeer' | 'unproved'>;
  readonly stories: StoryTeller;
  readonly push: (entry: Entry, event: IkeEvent) => void;
}

/** @param isInitialContact the peer says that it has no other */
export function settleRivals(entry: Entry, isInitialContact: boolean, parts: RivalsParts): void {
  const { sas, push } = parts;
  const { connection, origin } = entry.state;
  if (connection === undefined) return;
  const others = sas.ofPeer(entry.state).filter((one) => one !== entry);
  if (isInitialContact && connection.unique !== 'never') endForgotten(entry, others, parts);
  for (const { loser, heir, isOurs } of findSuperseded(entry, others))
    push(loser, { type: 'supersede', heir: heir.state, isOurs });
  // What this side has only asked for is not needed; the peer forgets it by itself.
  if (!origin.isOurs && connection.unique !== 'never')
    for (const other of sas.unproved(connection))
      if (other.state.phase === 'connecting') push(other, { type: 'abandon' });
}

function endForgotten(entry: Entry, others: readonly Entry[], { stories, push }: RivalsParts): void {
  // The peer has started anew, so what it had before is dead. What was established since the peer's first message it may
  // know: both sides began at once.
  for (const other of others)
    if (
      isSamePair(other.state, entry.state) &&
      other.establishedOrder !== undefined &&
      other.establishedOrder < entry.beganOrder
    ) {
      stories.tell('peer-restarted', { ike: other.state.localSpi, peer: entry.state.connection?.name });
      push(other, { type: 'give-up' });
    }
}
