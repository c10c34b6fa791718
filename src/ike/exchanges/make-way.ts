// What an IKE SA that makes way for another (supersede.ts) leaves to it: the Child SAs that it has, and those that it wanted.

import type { ChildSa } from '../child-sa.ts';
import type { ChildTask } from '../ike-sa-state.ts';
import type { Turn } from '../turn.ts';
import { LINGER_MS, scheduleDeletion } from './lifecycle.ts';

/** So long the heir has to make a Child SA that it lacks. */
export const MAKE_MS = 3000;

/** Another IKE SA of the peer is to make a Child SA. */
export function ask(turn: Turn, task: ChildTask): void {
  const { connection } = turn.state;
  if (connection !== undefined) turn.add({ type: 'ask', connection, task });
}

/** This side's request was under way when the IKE SA was superseded, and here is what it has made. */
export function leaveToHeir(turn: Turn, child: ChildSa): void {
  if (turn.state.superseded?.isOurs !== true) return;
  const wanted = taskFor(turn, child);
  // The heir was asked for what it replaces.
  if (wanted !== undefined && child.replaces === undefined) ask(turn, wanted);
  const deletedMs = turn.context.nowMs + MAKE_MS;
  scheduleDeletion(turn, child.inboundSpi, deletedMs);
  // The answer may be so late that the IKE SA was to be gone by now.
  const goneMs = deletedMs + 2 * LINGER_MS;
  const { tasks } = turn.state;
  turn.set({
    tasks: tasks.map((one) =>
      one.kind === 'delete-ike' ? { ...one, notBeforeMs: Math.max(one.notBeforeMs, goneMs) } : one,
    ),
  });
}

/** A Child SA is asked for again: not here, where the IKE SA makes way meanwhile. */
export function askAgain(turn: Turn, task: ChildTask, where: 'first' | 'last'): void {
  const { superseded, tasks } = turn.state;
  if (superseded === undefined) turn.set({ tasks: where === 'first' ? [task, ...tasks] : [...tasks, task] });
  else if (task.replaces === undefined) ask(turn, task);
}

/** A task that makes the same Child SA again. */
export function taskFor({ state }: Turn, { policy: name, local, remote }: ChildSa): ChildTask | undefined {
  const policy = state.connection?.children.find((one) => one.policy === name);
  const [first, other] = [local[0], remote[0]];
  if (policy === undefined || first === undefined || other === undefined) return undefined;
  // RFC 4301 §4.4.1.1: its name is what a responder looks for, so the peer asks again.
  if (policy.remoteNames !== undefined) return undefined;
  const isOfPacket = policy.populateFromPacket !== undefined;
  return {
    kind: 'create-child',
    policy: isOfPacket ? { ...policy, local, remote } : policy,
    trigger: isOfPacket ? [first, other] : undefined,
    replaces: undefined,
    group: undefined,
    attempt: 0,
    notBeforeMs: 0,
  };
}
