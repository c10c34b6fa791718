// An IKE SA makes way for another between the same identities (uniqueness.ts). Make before break: its Child SAs stay until
// the other has its own, the inbound ones linger, and the IKE SA is deleted after them. RFC 7296 §1.4.1, §2.4.

import type { ChildTask, IkeSaState, Task } from '../ike-sa-state.ts';
import { carrierOf } from '../tasks.ts';
import type { Turn } from '../turn.ts';
import { closeAtOnce, isAddressTask, LINGER_MS, scheduleDeletion } from './lifecycle.ts';
import { ask, MAKE_MS, taskFor } from './make-way.ts';

/** So long the side has that is to take the IKE SA away, until the other does. */
const PATIENCE_MS = 15_000;

export function supersede(turn: Turn, heir: IkeSaState, isOurs: boolean): void {
  const { state, context } = turn;
  if (state.phase !== 'established' || state.superseded !== undefined) return;
  turn.tell('superseded', { peer: state.connection?.name, by: heir.localSpi });
  turn.set({ superseded: { isOurs }, rekeyAtMs: Infinity });
  handOver(turn);
  const fromMs = context.nowMs + (isOurs ? 0 : PATIENCE_MS);
  for (const child of state.children) {
    const wanted = taskFor(turn, child);
    if (wanted === undefined || child.isReplaced || carrierOf(heir, wanted) !== undefined) {
      scheduleDeletion(turn, child.inboundSpi, fromMs);
      continue;
    }
    if (isOurs) ask(turn, wanted);
    scheduleDeletion(turn, child.inboundSpi, fromMs + MAKE_MS);
  }
  const notBeforeMs = fromMs + MAKE_MS + 2 * LINGER_MS;
  turn.set({ tasks: [...turn.state.tasks, { kind: 'delete-ike', notBeforeMs }] });
}

/** This side's IKE_SA_INIT is not answered yet, and the peer's IKE SA is there. */
export function abandon(turn: Turn): void {
  const { phase, exchange } = turn.state;
  if (phase !== 'connecting') return;
  handOver(turn);
  if (exchange?.kind === 'ike-sa-init') {
    if (exchange.child !== undefined) ask(turn, exchange.child);
    turn.set({ exchange: { ...exchange, child: undefined } });
  }
  closeAtOnce(turn);
}

/** New Child SAs that wait are made by another IKE SA. Those that are here need the right address as long as they are. */
function handOver(turn: Turn): void {
  const { tasks } = turn.state;
  const isNew = (task: (typeof tasks)[number]): task is ChildTask =>
    task.kind === 'create-child' && task.replaces === undefined;
  for (const task of tasks.filter(isNew)) ask(turn, task);
  const stays = (kind: Task['kind']): boolean =>
    kind === 'delete-child' || kind === 'disown-child' || isAddressTask(kind);
  turn.set({ tasks: tasks.filter(({ kind }) => stays(kind)) });
}
