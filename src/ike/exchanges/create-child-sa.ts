// The CREATE_CHILD_SA exchange for Child SAs, new or in the place of another: RFC 7296 §1.3.1, §1.3.3, §2.8, §2.25.
//
//   HDR, SK {[N(REKEY_SA),] SA, Ni, [KEi,] TSi, TSr}  ──►
//                                  ◄──  HDR, SK {SA, Nr, [KEr,] TSi, TSr}

import { ExchangeType, NotifyType, ProtocolId } from '../../wire/ike/iana.ts';
import type { Payload } from '../../wire/ike/payload.ts';
import { describeChild, useOutbound } from '../child-installation.ts';
import {
  answerChild,
  chooseChild,
  DELETED,
  disown,
  offerChild,
  offerPayloads,
  refusalPayload,
  takeChildAnswer,
  tellRefusal,
  type ChildRefusal,
} from '../child-negotiation.ts';
import { espSpiBytes, readEspSpi, type ChildSa } from '../child-sa.ts';
import type { ChildTask, OwnExchange } from '../ike-sa-state.ts';
import { find, findNotify, groupData, notify, notifyOf } from '../payloads.ts';
import { request, respond } from '../protected-messages.ts';
import type { Turn } from '../turn.ts';
import { agree, generate, NONCE_BYTES } from '../key-agreement.ts';
import { answerAsker } from './asked-for.ts';
import { dropTasks, refuseSyntax, retireChild, scheduleDeletion } from './lifecycle.ts';
import { askAgain, leaveToHeir } from './make-way.ts';

/** RFC 7296 §2.25: how long a peer that has no time is left alone, the first time. */
const PATIENCE_MS = 1000;
const MOST_ATTEMPTS = 6;

type CreateChild = Extract<OwnExchange, { readonly kind: 'create-child' }>;

/** Asks for a Child SA. */
export function requestChild(turn: Turn, task: ChildTask): void {
  const { context, state } = turn;
  const replaced = state.children.find(({ inboundSpi }) => inboundSpi === task.replaces);
  // What was to be replaced is gone meanwhile, or the peer has replaced it: a collision that only one side sees would
  // leave two.
  if (task.replaces !== undefined && (replaced === undefined || replaced.isReplaced)) return;
  const group = task.group ?? task.policy.proposals[0]?.groups[0]?.id ?? 0;
  const share = group === 0 ? undefined : generate(context.crypto, group);
  const offer = offerChild(turn, task, { nonce: context.random(NONCE_BYTES), share, group });
  const payloads: Payload[] = [
    // RFC 7296 §1.3.3: the SPI that this side receives under.
    ...(replaced === undefined ? [] : [notifyOf(NotifyType.REKEY_SA, espSpiBytes(replaced.inboundSpi))]),
    ...offerPayloads(offer, false),
  ];
  request(turn, ExchangeType.CREATE_CHILD_SA, payloads, {
    kind: 'create-child',
    offer,
    attempt: task.attempt,
    collision: undefined,
    deleted: [],
    isUnwanted: false,
  });
}

/** The initiator's side of the answer. */
export function takeChildResponse(turn: Turn, exchange: CreateChild, payloads: readonly Payload[]): void {
  turn.set({ exchange: undefined });
  const { offer } = exchange;
  const refused = findNotify(payloads, NotifyType.INVALID_KE_PAYLOAD);
  if (refused !== undefined) return takeOtherGroup(turn, exchange, refused.data);
  if (findNotify(payloads, NotifyType.TEMPORARY_FAILURE) !== undefined) return tryLater(turn, exchange);
  const nonce = find(payloads, 'NONCE')?.nonce;
  const peerKey = find(payloads, 'KE');
  const sharedSecret =
    offer.share === undefined || peerKey === undefined ? undefined : agree(offer.share, peerKey.publicValue);
  offer.share?.destroy();
  const isWhole = nonce !== undefined && (offer.share === undefined || sharedSecret !== undefined);
  const hasError = payloads.some((payload) => payload.type === 'N' && payload.notifyType < 16_384);
  if (!isWhole && !hasError) {
    turn.add({ type: 'release-spi', spi: offer.inboundSpi });
    const reason = 'the answer lacks nonce or KE';
    return giveUp(turn, exchange, { notifyType: NotifyType.INVALID_SYNTAX, reason, byPeer: false });
  }
  const nonces = { initiator: offer.nonce, responder: nonce ?? new Uint8Array(0) };
  const secrets = { nonces, sharedSecret, isInitiator: true };
  const child = takeChildAnswer(turn, offer, payloads, secrets, { inAuth: false, deleted: exchange.deleted });
  if ('notifyType' in child) {
    // What the peer deleted again had taken the place of the old one.
    if (child === DELETED && offer.replaces !== undefined) return scheduleDeletion(turn, offer.replaces);
    return giveUp(turn, exchange, child);
  }
  turn.tell(offer.replaces === undefined ? 'child-established' : 'child-rekeyed', describeChild(child));
  if (exchange.isUnwanted) scheduleDeletion(turn, child.inboundSpi);
  else leaveToHeir(turn, child);
  if (offer.replaces === undefined) return answerAsker(turn, offer, child);
  finishRekey(turn, exchange, child, lowest(nonces.initiator, nonces.responder));
}

/** Deletes the old SA, or, where both sides have rekeyed it, what RFC 7296 §2.8.1 says. */
function finishRekey(turn: Turn, exchange: CreateChild, child: ChildSa, ownLowest: Uint8Array): void {
  const { collision, offer } = exchange;
  const isRedundant = collision !== undefined && Buffer.compare(ownLowest, collision.lowestNonce) < 0;
  if (collision !== undefined) turn.tell('rekey-collision', { policy: child.policy });
  // The SA with the lowest of the four nonces is closed by the side that made it.
  if (isRedundant) return scheduleDeletion(turn, child.inboundSpi);
  if (offer.replaces !== undefined) scheduleDeletion(turn, offer.replaces);
}

/** This side no longer wants a Child SA, nor what has replaced it, or will. */
export function deleteChild(turn: Turn, inboundSpi: number): void {
  scheduleDeletion(turn, inboundSpi);
  const { children, exchange } = turn.state;
  if (exchange?.kind === 'create-child' && exchange.offer.replaces === inboundSpi)
    turn.set({ exchange: { ...exchange, isUnwanted: true } });
  for (const { replaces, isReplaced, inboundSpi: heir } of children)
    if (replaces === inboundSpi && !isReplaced) deleteChild(turn, heir);
}

function lowest(one: Uint8Array, other: Uint8Array): Uint8Array {
  return Buffer.compare(one, other) < 0 ? one : other;
}

function taskOf({ offer, attempt }: CreateChild): ChildTask {
  return {
    kind: 'create-child',
    policy: offer.policy,
    trigger: offer.trigger,
    replaces: offer.replaces,
    group: offer.group,
    attempt: attempt + 1,
    notBeforeMs: 0,
  };
}

/** RFC 7296 §1.3: the same again with a key of the group that the peer wants, if it was offered. */
function takeOtherGroup(turn: Turn, exchange: CreateChild, data: Uint8Array): void {
  const { offer, attempt } = exchange;
  offer.share?.destroy();
  turn.add({ type: 'release-spi', spi: offer.inboundSpi });
  const group = ((data[0] ?? 0) << 8) | (data[1] ?? 0);
  const isOffered = offer.policy.proposals.some(({ groups }) => groups.some(({ id }) => id === group));
  if (data.length !== 2 || !isOffered || group === offer.group || attempt >= MOST_ATTEMPTS)
    return giveUp(turn, exchange, {
      notifyType: NotifyType.INVALID_KE_PAYLOAD,
      reason: `group ${group}`,
      byPeer: true,
    });
  askAgain(turn, { ...taskOf(exchange), group }, 'first');
}

/** RFC 7296 §2.25. */
function tryLater(turn: Turn, exchange: CreateChild): void {
  exchange.offer.share?.destroy();
  turn.add({ type: 'release-spi', spi: exchange.offer.inboundSpi });
  if (exchange.attempt >= MOST_ATTEMPTS)
    return giveUp(turn, exchange, {
      notifyType: NotifyType.TEMPORARY_FAILURE,
      reason: 'TEMPORARY_FAILURE',
      byPeer: true,
    });
  turn.tell('try-later', { policy: exchange.offer.policy.policy });
  const notBeforeMs = turn.context.nowMs + PATIENCE_MS * 2 ** exchange.attempt;
  askAgain(turn, { ...taskOf(exchange), notBeforeMs }, 'last');
}

function giveUp(turn: Turn, { offer, isUnwanted }: CreateChild, refusal: ChildRefusal): void {
  const { policy } = offer.policy;
  const old = turn.state.children.find(({ inboundSpi }) => inboundSpi === offer.replaces);
  if (old !== undefined && refusal.notifyType === NotifyType.CHILD_SA_NOT_FOUND) {
    // RFC 7296 §2.25: the peer has lost it. A new one in its place.
    turn.tell('child-lost', { policy });
    retireChild(turn, old);
    if (isUnwanted) return;
    const task: ChildTask = {
      kind: 'create-child',
      policy: offer.policy,
      trigger: undefined,
      replaces: undefined,
      group: undefined,
      attempt: 0,
      notBeforeMs: 0,
    };
    return askAgain(turn, task, 'last');
  }
  if (old !== undefined && !isUnwanted && refusal.notifyType === NotifyType.NO_ADDITIONAL_SAS) {
    // RFC 7296 §1.3: the peer has one Child SA in an IKE SA and rekeys none; a new IKE SA has a new one.
    turn.tell('child-refused', { policy, reason: refusal.reason });
    turn.add({ type: 'lost', policies: turn.state.children.map((child) => child.policy) });
    dropTasks(turn);
    turn.set({ tasks: [{ kind: 'delete-ike', notBeforeMs: 0 }] });
    return;
  }
  // The peer has replaced or deleted the same SA meanwhile.
  const isOver = offer.replaces !== undefined && old === undefined;
  turn.tell(isOver ? 'rekey-collision' : 'child-refused', { policy, reason: refusal.reason });
  if (!refusal.byPeer) disown(turn, offer.inboundSpi);
  turn.childDone(offer, undefined);
}

/** The responder's side. */
export function answerChildRequest(turn: Turn, payloads: readonly Payload[]): void {
  const rekey = findNotify(payloads, NotifyType.REKEY_SA);
  const answer = (...notifies: readonly Payload[]): void => {
    respond(turn, ExchangeType.CREATE_CHILD_SA, notifies);
  };
  // RFC 7296 §2.25.2, §1.3.1: an IKE SA that is being replaced or closed makes no new Child SAs.
  const { phase, exchange, tasks } = turn.state;
  const isAwaited = exchange?.kind === 'create-child';
  const isLeaving =
    phase !== 'established' ||
    turn.state.superseded !== undefined ||
    exchange?.kind === 'rekey-ike' ||
    exchange?.kind === 'delete-ike';
  if (isLeaving) return answer(notify(NotifyType.TEMPORARY_FAILURE));
  const replaces = rekey === undefined ? undefined : childOfPeer(turn, rekey.spi);
  // The answer that makes it known here may have been overtaken.
  if (rekey !== undefined && replaces === undefined && isAwaited)
    return answer(notify(NotifyType.TEMPORARY_FAILURE));
  if (rekey !== undefined && (replaces === undefined || rekey.protocolId !== ProtocolId.ESP))
    return answer(notifyOf(NotifyType.CHILD_SA_NOT_FOUND, rekey.spi));
  // RFC 7296 §2.25.1: this side is deleting it.
  const isEnding =
    replaces?.phase === 'deleting' ||
    tasks.some((task) => task.kind === 'delete-child' && task.inboundSpi === replaces?.inboundSpi);
  if (isEnding) return answer(notify(NotifyType.TEMPORARY_FAILURE));
  if (replaces === undefined && isFull(turn)) {
    turn.tell('too-many-children', { peer: turn.state.connection?.name });
    return answer(notify(NotifyType.NO_ADDITIONAL_SAS));
  }
  const nonce = find(payloads, 'NONCE')?.nonce;
  if (nonce === undefined || nonce.length < 16 || nonce.length > 256)
    return refuseSyntax(turn, ExchangeType.CREATE_CHILD_SA);
  const choice = chooseChild(turn, { payloads, inAuth: false, replaces });
  if ('notifyType' in choice) {
    if (choice.notifyType === NotifyType.INVALID_SYNTAX)
      return refuseSyntax(turn, ExchangeType.CREATE_CHILD_SA);
    tellRefusal(turn, choice);
    return answer(refusalPayload(choice));
  }
  const { group } = choice.chosen;
  const peerKey = find(payloads, 'KE');
  if (group !== 0 && peerKey?.group !== group)
    return answer(notify(NotifyType.INVALID_KE_PAYLOAD, groupData(group)));
  const share = group === 0 ? undefined : generate(turn.context.crypto, group);
  const sharedSecret = share && peerKey && agree(share, peerKey.publicValue);
  if (share !== undefined && sharedSecret === undefined) {
    share.destroy();
    return refuseSyntax(turn, ExchangeType.CREATE_CHILD_SA);
  }
  const nonces = { initiator: nonce, responder: turn.context.random(NONCE_BYTES) };
  const secrets = { nonces, sharedSecret, isInitiator: false };
  const { child, sa, selectors } = answerChild(turn, choice, secrets, replaces?.inboundSpi);
  turn.tell(replaces === undefined ? 'child-established' : 'child-rekeyed', describeChild(child));
  if (replaces !== undefined)
    noteCollision(turn, replaces, child, lowest(nonces.initiator, nonces.responder));
  answer(
    sa,
    { type: 'NONCE', nonce: nonces.responder },
    ...(share === undefined ? [] : [{ type: 'KE', group, publicValue: share.publicValue } as const]),
    ...selectors,
  );
  share?.destroy();
}

/** RFC 7296 §1.3: the limit is this side's; what is replaced already goes soon. */
function isFull({ state: { children, connection } }: Turn): boolean {
  const count = children.filter(({ isReplaced }) => !isReplaced).length;
  return connection !== undefined && count >= connection.mostChildSas;
}

/** The peer names SAs by the SPI that it receives under. */
export function childOfPeer(turn: Turn, spi: Uint8Array): ChildSa | undefined {
  const outboundSpi = readEspSpi(spi);
  return turn.state.children.find((child) => child.outboundSpi === outboundSpi);
}

/** RFC 7296 §2.8.1: this side has asked to replace the same SA, and both new SAs will stand for a while. */
function noteCollision(turn: Turn, replaced: ChildSa, child: ChildSa, lowestNonce: Uint8Array): void {
  const { exchange, tasks, children } = turn.state;
  turn.set({
    children: children.map((one) =>
      one.inboundSpi === replaced.inboundSpi ? { ...one, isReplaced: true } : one,
    ),
    // Not asked yet: the peer was quicker.
    tasks: tasks.filter((task) => task.kind !== 'create-child' || task.replaces !== replaced.inboundSpi),
  });
  if (exchange?.kind === 'create-child' && exchange.offer.replaces === replaced.inboundSpi)
    turn.set({ exchange: { ...exchange, collision: { lowestNonce, successor: child.inboundSpi } } });
}

/** RFC 7296 §2.8: the peer uses the new SA, so it has it. */
export function takeFirstPacket(turn: Turn, inboundSpi: number): void {
  const child = turn.state.children.find((one) => one.inboundSpi === inboundSpi);
  if (child?.phase === 'receiving') useOutbound(turn, child);
}
