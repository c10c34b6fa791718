// What becomes of the packet that asked for a Child SA. The peer narrows what was asked for (RFC 7296 §2.9), perhaps to
// something that does not carry the packet: then asking again at once would bring the same again, without end.

import { doesTheSame, type ChildSa } from '../child-sa.ts';
import type { ChildOffer } from '../ike-sa-state.ts';
import { carries } from '../traffic-selectors.ts';
import { selectorsText } from '../../wire/ike/selector-text.ts';
import type { Turn } from '../turn.ts';
import { scheduleDeletion } from './lifecycle.ts';

/** Whoever asked is told; a Child SA that is of no use to the packet and is there already goes again. */
export function answerAsker(turn: Turn, offer: ChildOffer, child: ChildSa): void {
  const { trigger } = offer;
  if (trigger !== undefined && !carries(child, trigger)) {
    turn.tell('child-too-narrow', {
      policy: child.policy,
      packet: trigger.map((selector) => selectorsText([selector])).join(' to '),
      local: selectorsText(child.local),
      remote: selectorsText(child.remote),
    });
    if (turn.state.children.some((other) => doesTheSame(other, child)))
      scheduleDeletion(turn, child.inboundSpi);
  }
  turn.childDone(offer, child);
}
