// An IKE SA as a pure function: what happens to it makes a new state and effects. Nothing here reads a clock, sends a
// packet or touches a database. RFC 7296; the phases are drawn in ike-sa-state.ts.

import { ExchangeType, NotifyType, ProtocolId } from '../wire/ike/iana.ts';
import type { IkeMessage } from '../wire/ike/message.ts';
import type { Payload } from '../wire/ike/payload.ts';
import type { Path } from './connection.ts';
import type { Effect, IkeEvent } from './effects.ts';
import {
  answerChildRequest,
  deleteChild,
  takeChildResponse,
  takeFirstPacket,
} from './exchanges/create-child-sa.ts';
import { answerAuth, takeAuthResponse } from './exchanges/ike-auth.ts';
import { initiate, takeInitResponse } from './exchanges/ike-sa-init.ts';
import {
  answerInformational,
  takeDeletionResponse,
  takeLivenessResponse,
} from './exchanges/informational.ts';
import {
  closeAtOnce,
  dropTasks,
  inherit,
  refuseSyntax,
  replacedUntilMs,
  scheduleDeletion,
} from './exchanges/lifecycle.ts';
import { leaveAddress, takeAddressCheck, takeAddressResponse } from './exchanges/mobike.ts';
import { follow, followPacket } from './follow-peer.ts';
import { answerRekey, settleCollision, takeRekeyResponse } from './exchanges/rekey-ike-sa.ts';
import { abandon, supersede } from './exchanges/supersede.ts';
import { takeTime } from './ike-sa-time.ts';
import type { ChildTask, IkeSaState } from './ike-sa-state.ts';
import { withoutRequest } from './message-window.ts';
import { find, findNotify, notify } from './payloads.ts';
import { open, respond } from './protected-messages.ts';
import { addTask, startTask } from './tasks.ts';
import { Turn, type IkeContext } from './turn.ts';

export interface Step {
  readonly state: IkeSaState;
  /** To be executed in this order. */
  readonly effects: readonly Effect[];
}

/** What happens makes a new state. */
export function next(state: IkeSaState, event: IkeEvent, context: IkeContext): Step {
  const turn = new Turn(state, context, event.type === 'message' ? event.path : undefined);
  if (state.phase !== 'closed' || event.type === 'inherit') take(turn, event);
  startTask(turn);
  return { state: turn.state, effects: turn.effects };
}

function take(turn: Turn, event: IkeEvent): void {
  switch (event.type) {
    case 'initiate':
      return initiate(turn, event.child);
    case 'message':
      return takeMessage(turn, event.bytes, event.message, event.path);
    case 'time':
      return takeTime(turn);
    case 'create-child':
      return addTask(turn, event.task);
    case 'rekey-child':
      return rekeyChild(turn, event.inboundSpi);
    case 'child-ended':
      return endChild(turn, event.inboundSpi);
    case 'first-packet':
      return takeFirstPacket(turn, event.inboundSpi);
    case 'delete-child':
      return deleteChild(turn, event.inboundSpi);
    case 'rekey-ike':
      if (turn.state.phase !== 'established') return;
      return addTask(turn, { kind: 'rekey-ike', group: undefined, notBeforeMs: 0 });
    case 'delete-ike':
      return deleteIke(turn);
    case 'give-up':
      return closeAtOnce(turn);
    case 'inherit':
      return inherit(turn, event.from);
    case 'redundant':
      return turn.set({ phase: 'replaced', undecidedWith: undefined, giveUpAtMs: replacedUntilMs(turn) });
    case 'claimed':
      return settleCollision(turn);
    case 'supersede':
      return supersede(turn, event.heir, event.isOurs);
    case 'leave-address':
      return leaveAddress(turn, event.path);
    case 'peer-seen':
      return followPacket(turn, event.remoteAddress, event.remotePort);
    case 'abandon':
      return abandon(turn);
  }
}

function rekeyChild(turn: Turn, inboundSpi: number): void {
  const { children, connection } = turn.state;
  const child = children.find((one) => one.inboundSpi === inboundSpi);
  const policy = connection?.children.find((one) => one.policy === child?.policy);
  if (child === undefined || policy === undefined || child.isReplaced || child.phase === 'deleting') return;
  const task: ChildTask = {
    kind: 'create-child',
    // What was taken from a packet stays, and what a name stands for.
    policy:
      policy.populateFromPacket === undefined && policy.remoteNames === undefined
        ? policy
        : { ...policy, local: child.local, remote: child.remote },
    trigger: undefined,
    replaces: inboundSpi,
    group: undefined,
    attempt: 0,
    notBeforeMs: 0,
  };
  addTask(turn, task);
}

/** The data plane removed the SA at a hard limit: the peer is told. */
function endChild(turn: Turn, inboundSpi: number): void {
  const child = turn.state.children.find((one) => one.inboundSpi === inboundSpi);
  if (child === undefined) return;
  scheduleDeletion(turn, inboundSpi);
}

/** What waits no longer matters; what is outstanding is waited for, because the window is 1 (RFC 7296 §2.3). */
function deleteIke(turn: Turn): void {
  const { phase } = turn.state;
  // The deletion of a replaced IKE SA is under way, or the peer's; its successor is deleted by itself.
  if (phase === 'replaced' || phase === 'deleting') return;
  if (phase !== 'established') return closeAtOnce(turn);
  dropTasks(turn);
  turn.set({ tasks: [{ kind: 'delete-ike', notBeforeMs: 0 }] });
}

function takeMessage(turn: Turn, bytes: Uint8Array, message: IkeMessage, path: Path): void {
  const { header } = message;
  const isInit = header.exchangeType === ExchangeType.IKE_SA_INIT;
  if (isInit) {
    if (turn.state.phase === 'connecting' && header.isResponse && header.messageId === 0)
      takeInitResponse(turn, bytes, message, path);
    return;
  }
  if (header.isResponse) takeResponse(turn, bytes, message, path);
  else takeRequest(turn, bytes, message, path);
}

function takeResponse(turn: Turn, bytes: Uint8Array, message: IkeMessage, path: Path): void {
  const { outstanding } = turn.state.window;
  // RFC 7296 §2.3: late, repeated, or never asked for.
  if (outstanding?.messageId !== message.header.messageId) return;
  const opened = open(turn, bytes, message);
  if (opened === 'incomplete') return;
  if (opened === 'not-authentic') return turn.tell('not-authentic');
  turn.set({ window: withoutRequest(turn.state.window), lastHeardMs: turn.context.nowMs });
  follow(turn, path);
  if ('fault' in opened) {
    // RFC 7296 §2.21.3: what a broken answer means nobody knows; the IKE SA cannot be used.
    turn.tell('malformed', { reason: opened.fault.text });
    return closeAtOnce(turn);
  }
  const isFatal = findNotify(opened.payloads, NotifyType.INVALID_SYNTAX) !== undefined;
  if (isFatal && turn.state.phase !== 'authenticating') {
    // RFC 7296 §2.21.3: the peer has ended the IKE SA.
    turn.tell('malformed', { reason: 'INVALID_SYNTAX, says the peer' });
    return closeAtOnce(turn);
  }
  dispatchResponse(turn, opened.payloads);
}

function dispatchResponse(turn: Turn, payloads: readonly Payload[]): void {
  const { exchange } = turn.state;
  switch (exchange?.kind) {
    case 'ike-auth':
      return takeAuthResponse(turn, payloads);
    case 'create-child':
      return takeChildResponse(turn, exchange, payloads);
    case 'rekey-ike':
      return takeRekeyResponse(turn, exchange, payloads);
    case 'delete-child':
      turn.set({ exchange: undefined });
      return takeDeletionResponse(turn, exchange.inboundSpi);
    case 'delete-ike':
      return closeAtOnce(turn);
    case 'liveness':
      return takeLivenessResponse(turn, payloads);
    case 'update-addresses':
      return takeAddressResponse(turn, payloads);
    case 'check-address':
      return takeAddressCheck(turn, exchange, payloads);
    case 'ike-sa-init':
    case undefined:
      return;
  }
}

function takeRequest(turn: Turn, bytes: Uint8Array, message: IkeMessage, path: Path): void {
  const { expectedRequestId, lastResponse } = turn.state.window;
  const { messageId, exchangeType } = message.header;
  const isRepeated = messageId === expectedRequestId - 1 && lastResponse !== undefined;
  // RFC 7296 §2.3: outside of the window.
  if (messageId !== expectedRequestId && !isRepeated) return;
  const { requestFragments } = turn.state;
  const opened = open(turn, bytes, message);
  if (opened === 'not-authentic') return turn.tell('not-authentic');
  if (isRepeated) {
    // RFC 7296 §2.1: the same answer again. A repeated message in fragments is answered at its first one.
    const isFirst = message.payloads.every((one) => one.type !== 'SKF' || one.fragmentNumber === 1);
    turn.set({ requestFragments });
    if (isFirst) turn.add({ type: 'send', path, datagrams: lastResponse });
    return;
  }
  if (opened === 'incomplete') return;
  turn.set({ lastHeardMs: turn.context.nowMs });
  follow(turn, path);
  if ('fault' in opened) {
    turn.tell('malformed', { reason: opened.fault.text });
    if (opened.fault.notify === 'INVALID_SYNTAX') return refuseSyntax(turn, exchangeType);
    // RFC 7296 §2.5.
    const data = Uint8Array.of(opened.fault.payloadType);
    return respond(turn, exchangeType, [notify(NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD, data)]);
  }
  const { undecidedWith } = turn.state;
  // The peer uses this IKE SA, so its own rekey has won. When its request comes again, the Child SAs are here.
  if (undecidedWith !== undefined && !isIkeDeletion(opened.payloads))
    return turn.add({ type: 'claim', from: undecidedWith });
  dispatchRequest(turn, exchangeType, opened.payloads);
}

function isIkeDeletion(payloads: readonly Payload[]): boolean {
  return payloads.some((payload) => payload.type === 'D' && payload.protocolId === ProtocolId.IKE);
}

function dispatchRequest(turn: Turn, exchangeType: number, payloads: readonly Payload[]): void {
  const isHalfOpen = turn.state.phase === 'half-open';
  if (exchangeType === ExchangeType.IKE_AUTH && isHalfOpen) return answerAuth(turn, payloads);
  if (isHalfOpen || turn.state.phase === 'connecting' || turn.state.phase === 'authenticating') return;
  switch (exchangeType) {
    case ExchangeType.CREATE_CHILD_SA:
      // RFC 7296 §1.3: an IKE SA is rekeyed by a request without traffic selectors, with a proposal for IKE.
      return find(payloads, 'TSi') === undefined && findNotify(payloads, NotifyType.REKEY_SA) === undefined
        ? answerRekey(turn, payloads)
        : answerChildRequest(turn, payloads);
    case ExchangeType.INFORMATIONAL:
      return answerInformational(turn, payloads);
    default:
      return refuseSyntax(turn, exchangeType);
  }
}
