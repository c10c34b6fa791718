// What an IKE SA still has to ask of its peer: one thing after another, each once. RFC 7296 §2.3.

import { requestChild } from './exchanges/create-child-sa.ts';
import {
  requestChildDeletion,
  requestDisowning,
  requestIkeDeletion,
  requestLiveness,
} from './exchanges/informational.ts';
import { requestAddressCheck, requestAddressUpdate } from './exchanges/mobike.ts';
import { requestRekey } from './exchanges/rekey-ike-sa.ts';
import type { ChildSa } from './child-sa.ts';
import type { ChildTask, IkeSaState, OwnExchange, Task } from './ike-sa-state.ts';
import { carries, formatTrafficSelector } from './traffic-selectors.ts';
import type { Turn } from './turn.ts';

/** Child SAs that wait to be asked for; what is beyond is refused, so that a storm of packets costs bounded memory. */
const MOST_TASKS = 1024;

/** What is to be done already is not done twice. */
export function addTask(turn: Turn, task: Task): void {
  const { tasks, exchange } = turn.state;
  if (tasks.some((one) => isSame(one, task)) || isUnderWay(exchange, task)) return;
  if (task.kind === 'create-child' && tasks.length >= MOST_TASKS) return turn.childDone(task, undefined);
  turn.set({ tasks: [...tasks, task] });
}

function isSame(one: Task, other: Task): boolean {
  if (one.kind === 'create-child')
    return (
      other.kind === 'create-child' &&
      one.policy.policy === other.policy.policy &&
      one.replaces === other.replaces &&
      formatTrigger(one) === formatTrigger(other)
    );
  if ('inboundSpi' in one) return one.kind === other.kind && one.inboundSpi === other.inboundSpi;
  return one.kind === other.kind;
}

function formatTrigger({ trigger }: ChildTask): string {
  return trigger === undefined ? '' : trigger.map(formatTrafficSelector).join(' ');
}

function isUnderWay(exchange: OwnExchange | undefined, task: Task): boolean {
  switch (task.kind) {
    case 'create-child':
      return (
        exchange?.kind === 'create-child' &&
        task.replaces !== undefined &&
        exchange.offer.replaces === task.replaces
      );
    case 'delete-child':
      return exchange?.kind === 'delete-child' && exchange.inboundSpi === task.inboundSpi;
    case 'disown-child':
    case 'update-addresses':
    case 'check-address':
      return false;
    case 'rekey-ike':
    case 'delete-ike':
    case 'liveness':
      return exchange?.kind === task.kind;
  }
}

/** A Child SA that carries what asked for one may have come meanwhile. */
function startChild(turn: Turn, task: ChildTask): void {
  const there = task.replaces === undefined ? carrierOf(turn.state, task) : undefined;
  if (there === undefined) requestChild(turn, task);
  else turn.childDone(task, there);
}

/** The Child SA that does what the task asks for, where an IKE SA has one. */
export function carrierOf(
  { children }: Pick<IkeSaState, 'children'>,
  { policy, trigger }: Pick<ChildTask, 'policy' | 'trigger'>,
): ChildSa | undefined {
  return children.find(
    (child) =>
      child.policy === policy.policy &&
      child.phase === 'installed' &&
      !child.isReplaced &&
      (trigger === undefined || carries(child, trigger)),
  );
}

/** One request at a time (RFC 7296 §2.3: the window is 1). */
export function startTask(turn: Turn): void {
  while (turn.state.exchange === undefined && turn.state.window.outstanding === undefined) {
    const { tasks, phase, security } = turn.state;
    if (security === undefined || !(phase === 'established' || phase === 'replaced')) return;
    const task = tasks.find(({ notBeforeMs }) => notBeforeMs <= turn.context.nowMs);
    if (task === undefined) return;
    turn.set({ tasks: tasks.filter((one) => one !== task) });
    start(turn, task);
  }
}

function start(turn: Turn, task: Task): void {
  switch (task.kind) {
    case 'create-child':
      return startChild(turn, task);
    case 'disown-child':
      return requestDisowning(turn, task.inboundSpi);
    case 'rekey-ike':
      return turn.state.phase === 'established' ? requestRekey(turn, task.group) : undefined;
    case 'delete-child':
      return requestChildDeletion(turn, task.inboundSpi);
    case 'delete-ike':
      return requestIkeDeletion(turn);
    case 'liveness':
      return requestLiveness(turn);
    case 'update-addresses':
      return requestAddressUpdate(turn);
    case 'check-address':
      return requestAddressCheck(turn);
  }
}
