// Beginning and end of an IKE SA, apart from the messages: what is set when it stands, and what goes with it when it
// ends. RFC 7296 §1.4.1, §2.4, §2.8.

import { zeroIkeKeys } from '../../crypto/ike-key-material.ts';
import { formatIdentity } from '../../pad/identity.ts';
import { NotifyType } from '../../wire/ike/iana.ts';
import { useOutbound } from '../child-installation.ts';
import type { ChildSa } from '../child-sa.ts';
import { peerOf, type Connection } from '../connection.ts';
import type { IkeSaState, Task } from '../ike-sa-state.ts';
import { notify } from '../payloads.ts';
import { respond, retransmissionOf } from '../protected-messages.ts';
import type { Turn } from '../turn.ts';

/** Packets that are on their way when an SA is deleted still arrive. */
export const LINGER_MS = 5000;
const ADDRESS_TASKS = ['update-addresses', 'check-address'] as const;

/** Both sides have proved who they are. */
export function establish(turn: Turn, isInitialContact: boolean): void {
  const { connection, remoteIdentity } = turn.state;
  if (connection === undefined) return;
  turn.set({
    phase: 'established',
    initiation: undefined,
    giveUpAtMs: Infinity,
    ...lifetimeOf(turn, connection),
  });
  turn.tell('established', {
    peer: connection.name,
    identity: remoteIdentity && formatIdentity(remoteIdentity),
  });
  turn.add({ type: 'established', isInitialContact });
}

/** When an IKE SA that begins now is replaced, and when it ends at the latest. */
export function lifetimeOf(turn: Turn, connection: Connection): Pick<IkeSaState, 'rekeyAtMs' | 'expireAtMs'> {
  const { nowMs } = turn.context;
  const [high = 0, low = 0] = turn.context.random(2);
  // RFC 7296 §2.8: a random part, so that both sides seldom begin at once.
  const jitterMs = (connection.jitterMs * ((high << 8) | low)) / 65_536;
  return { rekeyAtMs: nowMs + connection.rekeyMs - jitterMs, expireAtMs: nowMs + connection.expireMs };
}

/** Ends an IKE SA without a word to the peer; its Child SAs go with it (RFC 7296 §1.4.1). */
export function closeAtOnce(turn: Turn): void {
  const { state } = turn;
  if (state.phase === 'closed') return;
  removeAll(turn);
  dropExchange(turn);
  if (state.security !== undefined) zeroIkeKeys(state.security.keys);
  turn.set({ phase: 'closed' });
  turn.add({ type: 'closed' });
}

function removeAll(turn: Turn): void {
  for (const child of turn.state.children) removeChild(turn, child, false);
  for (const { spi } of turn.state.lingering) turn.add({ type: 'remove-inbound', spi });
  turn.set({ lingering: [] });
}

/**
 * A request that is authentic and against the rules: the peer has another protocol in mind than this side, so the IKE
 * SA ends on both sides without a deletion (RFC 7296 §2.21.3).
 */
export function refuseSyntax(turn: Turn, exchangeType: number): void {
  respond(turn, exchangeType, [notify(NotifyType.INVALID_SYNTAX)]);
  closeAtOnce(turn);
}

/** The outstanding request no longer matters: what was prepared for its answer is given up. */
function dropExchange(turn: Turn): void {
  const { exchange, window } = turn.state;
  if (exchange !== undefined && 'share' in exchange) exchange.share.destroy();
  if (exchange !== undefined && 'offer' in exchange && exchange.offer !== undefined) {
    const { offer } = exchange;
    offer.share?.destroy();
    turn.add({ type: 'release-spi', spi: offer.inboundSpi });
    turn.childDone(offer, undefined);
  }
  if (exchange?.kind === 'ike-sa-init' && exchange.child !== undefined)
    turn.childDone(exchange.child, undefined);
  turn.set({ exchange: undefined, window: { ...window, outstanding: undefined } });
  dropTasks(turn);
}

/** Whoever waits for a Child SA hears that it does not come. */
export function dropTasks(turn: Turn): void {
  for (const task of turn.state.tasks) if (task.kind === 'create-child') turn.childDone(task, undefined);
  turn.set({ tasks: [] });
}

/** A Child SA was deleted. Packets leave by what replaces it, which the peer has (RFC 7296 §2.8). */
export function retireChild(turn: Turn, child: ChildSa): void {
  const heirs = turn.state.children.filter(({ replaces }) => replaces === child.inboundSpi);
  // RFC 7296 §2.8.1: where both sides have replaced it and this side's SA stays, the peer may not know yet of the one that it
  // asked for itself, and deletes it when it does.
  const hasOwn = heirs.some(({ phase, isReplaced }) => phase === 'installed' && !isReplaced);
  if (!hasOwn) for (const heir of heirs) if (heir.phase === 'receiving') useOutbound(turn, heir);
  removeChild(turn, child, true);
}

/**
 * Takes a Child SA out of the IKE SA.
 * @param linger its inbound SA stays for packets that are on their way
 */
function removeChild(turn: Turn, child: ChildSa, linger: boolean): void {
  const { children, waitingKeys, lingering, tasks } = turn.state;
  const key = waitingKeys.get(child.inboundSpi);
  if (key === undefined) turn.add({ type: 'remove-outbound', child, peer: peerOf(turn.state) });
  key?.fill(0);
  const left = new Map(waitingKeys);
  left.delete(child.inboundSpi);
  turn.set({
    waitingKeys: left,
    children: children.filter(({ inboundSpi }) => inboundSpi !== child.inboundSpi),
    tasks: tasks.filter((task) => !('inboundSpi' in task) || task.inboundSpi !== child.inboundSpi),
  });
  if (linger)
    turn.set({
      lingering: [...lingering, { spi: child.inboundSpi, untilMs: turn.context.nowMs + LINGER_MS }],
    });
  else turn.add({ type: 'remove-inbound', spi: child.inboundSpi });
}

/** Ends what lingered long enough. */
export function removeLingering(turn: Turn): void {
  const { lingering } = turn.state;
  const due = lingering.filter(({ untilMs }) => untilMs <= turn.context.nowMs);
  if (due.length === 0) return;
  for (const { spi } of due) turn.add({ type: 'remove-inbound', spi });
  turn.set({ lingering: lingering.filter((one) => !due.includes(one)) });
}

/**
 * Makes the Child SAs of `from` those of this IKE SA (RFC 7296 §2.8), and what was to be done with them. A deletion
 * that was wanted of `from` is wanted of its successor.
 */
export function inherit(turn: Turn, from: IkeSaState): void {
  const { state } = turn;
  const addressTasks = openAddressTasks(from);
  // RFC 4555 §3.5: the peer has said that it is there, and the answer that proves it would move no Child SA any more.
  if (addressTasks.length > 0) turn.set({ path: from.path });
  turn.set({
    undecidedWith: undefined,
    children: [...state.children, ...from.children],
    waitingKeys: new Map([...state.waitingKeys, ...from.waitingKeys]),
    lingering: [...state.lingering, ...from.lingering],
    tasks: [
      ...addressTasks,
      ...state.tasks,
      ...from.tasks.filter(({ kind }) => !isAddressTask(kind) && kind !== 'rekey-ike' && kind !== 'liveness'),
    ],
  });
  if (state.phase !== 'closed') return;
  removeAll(turn);
  dropTasks(turn);
}

/** What an IKE SA still has to ask about addresses, or is asking. */
function openAddressTasks({ exchange, tasks }: IkeSaState): readonly Task[] {
  const kinds = new Set([exchange?.kind, ...tasks.map(({ kind }) => kind)]);
  return ADDRESS_TASKS.filter((kind) => kinds.has(kind)).map((kind) => ({ kind, notBeforeMs: 0 }));
}

/** Without its answer packets go where the peer, or this side, no longer is. */
export function isAddressTask(kind: Task['kind']): boolean {
  return ADDRESS_TASKS.some((one) => one === kind);
}

/** How long a replaced IKE SA waits for its deletion: as long as the peer repeats what it asks. */
export function replacedUntilMs({ state, context }: Turn): number {
  const { firstMs, factor, tries } = retransmissionOf(state.connection);
  let waitMs = 0;
  for (let count = 0; count <= tries; count++) waitMs += firstMs * factor ** count;
  return context.nowMs + waitMs;
}

/** What an IKE SA keeps that has handed on its Child SAs. */
export const WITHOUT_CHILDREN: Pick<IkeSaState, 'children' | 'waitingKeys' | 'lingering' | 'tasks'> = {
  children: [],
  waitingKeys: new Map(),
  lingering: [],
  tasks: [],
};

/** Packets no longer leave by it; a deletion follows when it is its turn. */
export function scheduleDeletion(turn: Turn, inboundSpi: number, notBeforeMs = 0): void {
  const { children, tasks } = turn.state;
  const child = children.find((one) => one.inboundSpi === inboundSpi);
  if (child === undefined || child.phase === 'deleting') return;
  turn.set({
    children: children.map((one) => (one === child ? { ...child, isReplaced: true } : one)),
    tasks: [
      { kind: 'delete-child', inboundSpi, notBeforeMs },
      ...tasks.filter((task) => task.kind !== 'delete-child' || task.inboundSpi !== inboundSpi),
    ],
  });
}
