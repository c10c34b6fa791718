// The INFORMATIONAL exchange: deletions, errors, and empty messages that ask whether the peer lives. RFC 7296 §1.4,
// §2.4, §2.25.

import { ExchangeType, nameOfNotify, NotifyType, ProtocolId } from '../../wire/ike/iana.ts';
import type { Payload } from '../../wire/ike/payload.ts';
import { describeChild, useOutbound } from '../child-negotiation.ts';
import { espSpiBytes, type ChildSa } from '../child-sa.ts';
import { findNotify } from '../payloads.ts';
import { request, respond } from '../protected-messages.ts';
import type { Turn } from '../turn.ts';
import { childOfPeer } from './create-child-sa.ts';
import { closeAtOnce, removeChild } from './lifecycle.ts';
import { settleCollision } from './rekey-ike-sa.ts';

export function requestLiveness(turn: Turn): void {
  turn.tell('liveness-check');
  request(turn, ExchangeType.INFORMATIONAL, [], { kind: 'liveness' });
}

/** RFC 7296 §1.4.1: each side names the SPI that it receives under; the answer names the other. */
export function requestChildDeletion(turn: Turn, inboundSpi: number): void {
  const { children } = turn.state;
  const child = children.find((one) => one.inboundSpi === inboundSpi);
  if (child === undefined) return;
  turn.set({
    children: children.map((one) => (one === child ? { ...child, phase: 'deleting' } : one)),
  });
  request(turn, ExchangeType.INFORMATIONAL, [deletion([child])], { kind: 'delete-child', inboundSpi });
}

function deletion(children: readonly ChildSa[]): Payload {
  const spis = children.map(({ inboundSpi }) => espSpiBytes(inboundSpi));
  return { type: 'D', protocolId: ProtocolId.ESP, spiBytes: 4, spis };
}

/** The answer to {@link requestChildDeletion}: the SAs go, whatever it says. */
export function takeDeletionResponse(turn: Turn, inboundSpi: number): void {
  const child = turn.state.children.find((one) => one.inboundSpi === inboundSpi);
  if (child === undefined) return;
  removeChild(turn, child, true);
  turn.tell('child-deleted', describeChild(child));
}

export function requestIkeDeletion(turn: Turn): void {
  turn.tell('closing');
  if (turn.state.phase === 'established') turn.set({ phase: 'deleting' });
  const payload: Payload = { type: 'D', protocolId: ProtocolId.IKE, spiBytes: 0, spis: [] };
  request(turn, ExchangeType.INFORMATIONAL, [payload], { kind: 'delete-ike' });
}

/** The responder's side. */
export function answerInformational(turn: Turn, payloads: readonly Payload[]): void {
  const deletions = payloads.filter((payload) => payload.type === 'D');
  const failure = findNotify(payloads, NotifyType.AUTHENTICATION_FAILED);
  if (failure !== undefined) turn.tell('auth-refused', { notify: nameOfNotify(failure.notifyType) });
  if (failure !== undefined || deletions.some(({ protocolId }) => protocolId === ProtocolId.IKE)) {
    // RFC 7296 §1.4.1: the answer is empty, and everything of the IKE SA goes.
    respond(turn, ExchangeType.INFORMATIONAL, []);
    if (turn.state.phase !== 'replaced') turn.tell('deleted', { peer: turn.state.connection?.name });
    settleCollision(turn);
    return closeAtOnce(turn);
  }
  const named = deletions
    .filter(({ protocolId }) => protocolId === ProtocolId.ESP)
    .flatMap(({ spis }) => spis.map((spi) => childOfPeer(turn, spi)))
    .filter((child) => child !== undefined);
  // RFC 7296 §1.4.1: what this side is deleting as well is not named again.
  const crossing = named.filter(({ phase }) => phase === 'deleting');
  const ending = named.filter((child) => !crossing.includes(child));
  for (const child of ending) takeDeletion(turn, child);
  for (const child of crossing) removeChild(turn, child, true);
  respond(turn, ExchangeType.INFORMATIONAL, ending.length === 0 ? [] : [deletion(ending)]);
}

function takeDeletion(turn: Turn, child: ChildSa): void {
  // RFC 7296 §2.8: the peer deletes the old SA, so it has the new one.
  const heirs = turn.state.children.filter(
    (one) => one.policy === child.policy && one.phase === 'receiving' && one !== child,
  );
  for (const heir of heirs) useOutbound(turn, heir);
  removeChild(turn, child, true);
  turn.tell('child-deleted', describeChild(child));
}
