// The INFORMATIONAL exchange: deletions, errors, and empty messages that ask whether the peer lives. RFC 7296 §1.4,
// §2.4, §2.25.

import { ExchangeType, nameOfNotify, NotifyType, ProtocolId } from '../../wire/ike/iana.ts';
import type { Payload } from '../../wire/ike/payload.ts';
import { describeChild } from '../child-installation.ts';
import { espSpiBytes, readEspSpi, type ChildSa } from '../child-sa.ts';
import { findNotify } from '../payloads.ts';
import { request, respond } from '../protected-messages.ts';
import type { Turn } from '../turn.ts';
import { childOfPeer } from './create-child-sa.ts';
import { closeAtOnce, retireChild } from './lifecycle.ts';
import { addressQuestion, answerAddresses, noteMapping } from './mobike.ts';
import { settleCollision } from './rekey-ike-sa.ts';

/** SPIs that are remembered while a request is outstanding. */
const MOST_DELETED = 64;

export function requestLiveness(turn: Turn): void {
  turn.tell('liveness-check');
  request(turn, ExchangeType.INFORMATIONAL, addressQuestion(turn), { kind: 'liveness' });
}

export function takeLivenessResponse(turn: Turn, payloads: readonly Payload[]): void {
  turn.set({ exchange: undefined });
  noteMapping(turn, payloads);
}

/** RFC 7296 §1.4.1: each side names the SPI that it receives under; the answer names the other. */
export function requestChildDeletion(turn: Turn, inboundSpi: number): void {
  const { children } = turn.state;
  const child = children.find((one) => one.inboundSpi === inboundSpi);
  if (child === undefined) return;
  turn.set({
    children: children.map((one) => (one === child ? { ...child, phase: 'deleting' } : one)),
  });
  request(turn, ExchangeType.INFORMATIONAL, [deletion([inboundSpi])], { kind: 'delete-child', inboundSpi });
}

function deletion(inboundSpis: readonly number[]): Payload {
  return { type: 'D', protocolId: ProtocolId.ESP, spiBytes: 4, spis: inboundSpis.map(espSpiBytes) };
}

/** The answer to {@link requestChildDeletion}: the SAs go, whatever it says. */
export function takeDeletionResponse(turn: Turn, inboundSpi: number): void {
  const child = turn.state.children.find((one) => one.inboundSpi === inboundSpi);
  if (child !== undefined) takeDeletion(turn, child);
}

/** This side could not accept what the peer has made of its request. */
export function requestDisowning(turn: Turn, inboundSpi: number): void {
  const payload = deletion([inboundSpi]);
  request(turn, ExchangeType.INFORMATIONAL, [payload], { kind: 'delete-child', inboundSpi });
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
  const spis = deletions.filter(({ protocolId }) => protocolId === ProtocolId.ESP).flatMap((one) => one.spis);
  // A set: a peer may name an SA twice.
  const named = new Set(spis.map((spi) => childOfPeer(turn, spi)).filter((child) => child !== undefined));
  for (const child of named) takeDeletion(turn, child);
  noteUnknown(turn, spis);
  // RFC 7296 §1.4.1: what this side is deleting as well is not named again.
  const ending = [...named].filter(({ phase }) => phase !== 'deleting');
  const answer = ending.length === 0 ? [] : [deletion(ending.map(({ inboundSpi }) => inboundSpi))];
  // RFC 7296 §2.5: the order of the figure of §1.4.
  respond(turn, ExchangeType.INFORMATIONAL, [...answerAddresses(turn, payloads), ...answer]);
}

/** Deleted here already, or not known here yet: then the answer that makes it known comes after its deletion. */
function noteUnknown(turn: Turn, spis: readonly Uint8Array[]): void {
  const { exchange } = turn.state;
  if (exchange?.kind !== 'create-child' || exchange.deleted.length >= MOST_DELETED) return;
  const deleted = spis.map(readEspSpi).filter((spi) => spi !== undefined);
  turn.set({
    exchange: { ...exchange, deleted: [...exchange.deleted, ...deleted].slice(0, MOST_DELETED) },
  });
}

function takeDeletion(turn: Turn, child: ChildSa): void {
  retireChild(turn, child);
  turn.tell('child-deleted', describeChild(child));
}
