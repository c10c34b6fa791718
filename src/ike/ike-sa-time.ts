// What the clock does to an IKE SA: retransmissions, lifetimes, liveness checks, what waits. RFC 7296 §2.1, §2.4, §2.8.

import { closeAtOnce, removeLingering } from './exchanges/lifecycle.ts';
import { settleCollision } from './exchanges/rekey-ike-sa.ts';
import type { IkeSaState } from './ike-sa-state.ts';
import { afterRetransmission } from './message-window.ts';
import { retransmissionOf } from './protected-messages.ts';
import { addTask } from './tasks.ts';
import type { IkeContext, Turn } from './turn.ts';

export function takeTime(turn: Turn): void {
  const { nowMs } = turn.context;
  removeLingering(turn);
  const { state } = turn;
  if (nowMs >= state.giveUpAtMs) return closeAtOnce(turn);
  if (nowMs >= state.expireAtMs) {
    turn.tell('expired', { peer: state.connection?.name });
    // RFC 7296 §2.8: the peer is told, unless it is known not to answer.
    if (state.phase !== 'established' || state.exchange !== undefined) return closeAtOnce(turn);
    turn.set({ expireAtMs: Infinity });
    turn.add({ type: 'lost', policies: state.children.map(({ policy }) => policy) });
    return addTask(turn, { kind: 'delete-ike', notBeforeMs: 0 });
  }
  if (state.window.outstanding !== undefined && nowMs >= state.window.outstanding.againAtMs)
    return retransmit(turn);
  if (nowMs >= state.rekeyAtMs && state.phase === 'established') {
    turn.set({ rekeyAtMs: Infinity });
    addTask(turn, { kind: 'rekey-ike', group: undefined, notBeforeMs: 0 });
  }
  const livenessAtMs = livenessDeadline(turn.state, turn.context);
  if (nowMs >= livenessAtMs) addTask(turn, { kind: 'liveness', notBeforeMs: 0 });
}

function retransmit(turn: Turn): void {
  const { window, connection, exchange, path } = turn.state;
  const { outstanding } = window;
  if (outstanding === undefined) return;
  const complaint = exchange?.kind === 'ike-sa-init' ? exchange.complaint : undefined;
  const after = afterRetransmission(window, outstanding, retransmissionOf(connection), turn.context.nowMs);
  if (after === undefined || (complaint !== undefined && outstanding.retransmissions > 0)) {
    turn.tell('silent', {
      peer: connection?.name,
      ...(complaint === undefined ? {} : { notify: complaint }),
    });
    settleCollision(turn);
    return closeAtOnce(turn);
  }
  turn.tell('retransmitted', { messageId: outstanding.messageId, peer: connection?.name });
  turn.set({ window: after });
  turn.add({ type: 'send', path, datagrams: outstanding.datagrams });
}

/** RFC 7296 §2.4: packets under the Child SAs show that the peer lives as well as messages do. */
function livenessDeadline(state: IkeSaState, context: IkeContext): number {
  const { connection, phase, exchange } = state;
  if (connection === undefined || connection.livenessMs === 0 || phase !== 'established') return Infinity;
  if (exchange !== undefined) return Infinity;
  const heardMs = Math.max(
    state.lastHeardMs,
    context.lastTrafficMs(state.children.map(({ inboundSpi }) => inboundSpi)),
  );
  return heardMs + connection.livenessMs;
}

/** When `time` is to happen at the latest; Infinity where nothing waits. */
export function nextDeadlineMs(state: IkeSaState, context: IkeContext): number {
  if (state.phase === 'closed') return Infinity;
  const isIdle = state.exchange === undefined;
  return Math.min(
    state.giveUpAtMs,
    state.expireAtMs,
    state.phase === 'established' ? state.rekeyAtMs : Infinity,
    state.window.outstanding?.againAtMs ?? Infinity,
    livenessDeadline(state, context),
    ...state.lingering.map(({ untilMs }) => untilMs),
    ...(isIdle ? state.tasks.map(({ notBeforeMs }) => notBeforeMs) : []),
  );
}
