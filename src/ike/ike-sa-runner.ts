// Lets things happen to IKE SAs: one event of an SA after another, each with all of its effects, in their order, before
// the next; and `time` when it is due. RFC 7296 §2.4.

import type { IkeSpi } from '../wire/ike/ike-spi.ts';
import { doesTheSame } from './child-sa.ts';
import type { Connection } from './connection.ts';
import type { Effect, IkeEvent } from './effects.ts';
import type { IkeDrops, IkeEffects } from './ike-engine-parts.ts';
import { nextDeadlineMs } from './ike-sa-time.ts';
import { next } from './ike-sa.ts';
import type { ChildTask, IkeSaState } from './ike-sa-state.ts';
import type { Entry, IkeSas } from './ike-sas.ts';
import type { StoryTeller } from './story-teller.ts';
import type { IkeContext } from './turn.ts';
import { settleRivals } from './rivals.ts';

type SadEffect = Extract<
  Effect,
  { readonly type: 'move' | `${'install' | 'remove'}-${'inbound' | 'outbound'}` }
>;

const PAIRS: readonly (readonly Effect['type'][])[] = [
  ['install-inbound', 'install-outbound'],
  ['remove-inbound', 'remove-outbound'],
];

/** What is done although something before it could not be. */
const CLEARING: ReadonlySet<Effect['type']> = new Set<Effect['type']>([
  'remove-inbound',
  'remove-outbound',
  'release-spi',
  'child-done',
  'closed',
  'story',
]);

export interface IkeSaRunnerParts {
  readonly effects: IkeEffects;
  readonly sas: IkeSas;
  readonly drops: IkeDrops;
  readonly stories: StoryTeller;
  readonly context: () => IkeContext;
  /** Another IKE SA of the peer is to make the Child SA. @param asker which cannot */
  readonly ask: (connection: Connection, task: ChildTask, asker: IkeSaState) => void;
  /** The peer, or time, has ended the Child SAs of a policy. */
  readonly lost: (policy: string) => void;
  /** When something else is due; Infinity = never. */
  readonly otherDueMs: () => number;
}

export class IkeSaRunner {
  readonly #parts: IkeSaRunnerParts;
  readonly #running = new Set<Promise<void>>();
  /** When a tick was asked for. */
  #wakeMs: number | undefined;

  constructor(parts: IkeSaRunnerParts) {
    this.#parts = parts;
  }

  /** Resolves when everything that has happened so far was worked off. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  push(entry: Entry, event: IkeEvent): void {
    entry.events.push(event);
    if (entry.running !== undefined) return;
    const running = this.#run(entry);
    entry.running = running;
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  /** Does what is due. */
  tick(): void {
    const { timetable } = this.#parts.sas;
    const { nowMs } = this.#parts.context();
    for (let entry = timetable.takeDue(nowMs); entry !== undefined; entry = timetable.takeDue(nowMs))
      this.push(entry, { type: 'time' });
    this.#wakeMs = undefined;
    this.wake();
  }

  schedule(entry: Entry): void {
    if (entry.state.phase !== 'closed')
      this.#parts.sas.timetable.set(entry, nextDeadlineMs(entry.state, this.#parts.context()));
    this.wake();
  }

  /** Asks for the next {@link tick}. */
  wake(): void {
    const nextMs = Math.min(this.#parts.sas.timetable.nextMs, this.#parts.otherDueMs());
    if (nextMs === this.#wakeMs) return;
    this.#wakeMs = nextMs;
    this.#parts.effects.wakeAt(nextMs);
  }

  async #run(entry: Entry): Promise<void> {
    // `running` must be set before it is cleared.
    await Promise.resolve();
    for (let event = entry.events.shift(); event !== undefined; event = entry.events.shift())
      try {
        await this.#takeEvent(entry, event);
      } catch (error) {
        this.#surrender(entry, event, error);
      }
    entry.running = undefined;
    this.schedule(entry);
  }

  async #takeEvent(entry: Entry, event: IkeEvent): Promise<void> {
    if (this.#isForAnother(entry, event)) return;
    const before = entry.state;
    const { state, effects } = next(before, event, this.#parts.context());
    this.#parts.sas.update(entry, state);
    this.#parts.effects.stepped?.(before, event, state, effects);
    if (before.security === undefined && state.security !== undefined) this.#parts.effects.keyed?.(state);
    if (event.type === 'inherit' && state.phase === 'closed')
      this.#parts.sas.forget(event.from.children, entry);
    await this.#executeAll(entry, effects);
    if (event.type !== 'delete-ike') this.#noteLost(before, entry, event);
    this.#parts.effects.changed?.(before, entry.state);
  }

  /** Nobody foresaw this: the IKE SA ends with its Child SAs before anything else happens to it. Others go on. */
  #surrender(entry: Entry, event: IkeEvent, error: unknown): void {
    const { sas, stories, effects } = this.#parts;
    stories.tell('failed', { ike: entry.state.localSpi, event: event.type, err: error });
    const task =
      event.type === 'create-child' ? event.task : event.type === 'initiate' ? event.child : undefined;
    // Whoever waits for the Child SA hears that it does not come.
    if (task !== undefined && task.replaces === undefined)
      effects.childDone({ policy: task.policy.policy, trigger: task.trigger, child: undefined });
    if (event.type !== 'give-up') {
      entry.events.unshift({ type: 'give-up' });
      return;
    }
    // Even that fails.
    sas.update(entry, { ...entry.state, phase: 'closed' });
    sas.remove(entry);
  }

  /** While an event waited, its Child SA may have gone to a successor, or the IKE SA may have ended. */
  #isForAnother(entry: Entry, event: IkeEvent): boolean {
    const { phase, connection } = entry.state;
    if ('inboundSpi' in event) {
      const owner = this.#parts.sas.ownerOf(event.inboundSpi);
      if (owner === undefined || owner === entry) return false;
      this.push(owner, event);
      return true;
    }
    const isLeaving = phase === 'replaced' || phase === 'deleting' || phase === 'closed';
    if (event.type !== 'create-child' || connection === undefined || !isLeaving) return false;
    this.#parts.ask(connection, event.task, entry.state);
    return true;
  }

  /**
   * Where an effect cannot be done those behind it are not done either: no message may say that an SA is there which is
   * not. Then nobody knows what is in force, and the IKE SA ends.
   */
  async #executeAll(entry: Entry, effects: readonly Effect[]): Promise<void> {
    let hasFailed = false;
    for (const group of inGroups(effects)) {
      const wanted = group.filter(({ type }) => !hasFailed || CLEARING.has(type));
      const outcomes = await Promise.allSettled(wanted.map((effect) => this.#execute(entry, effect)));
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') continue;
        hasFailed = true;
        this.#parts.stories.tell('not-in-force', { ike: entry.state.localSpi, err: outcome.reason });
      }
    }
    if (hasFailed) this.push(entry, { type: 'give-up' });
  }

  /** Child SAs that this side did not want to end. */
  #noteLost(before: IkeSaState, entry: Entry, event: IkeEvent): void {
    if (before.phase === 'deleting') return;
    const { sas, lost } = this.#parts;
    for (const child of before.children) {
      const { inboundSpi, policy, phase, isReplaced } = child;
      const hasEnded = event.type === 'child-ended' && event.inboundSpi === inboundSpi;
      const isWanted = !isReplaced && phase !== 'deleting';
      if (!isWanted || !(hasEnded || sas.ownerOf(inboundSpi) === undefined)) continue;
      // Of two that do the same, one is left (RFC 7296 §2.8.1, §2.9).
      const isLeft = entry.state.children.some((other) => doesTheSame(other, child));
      if (!isLeft) lost(policy);
    }
    if (entry.events.length === 0) this.wake();
  }

  async #execute(entry: Entry, effect: Effect): Promise<void> {
    const { effects } = this.#parts;
    switch (effect.type) {
      case 'install-inbound':
      case 'install-outbound':
        await effects.install(effect);
        return;
      case 'move':
        await effects.move(effect);
        return;
      case 'remove-inbound':
      case 'remove-outbound':
        await effects.remove(effect);
        return;
      default:
        this.#executeAtOnce(entry, effect);
    }
  }

  #executeAtOnce(entry: Entry, effect: Exclude<Effect, SadEffect>): void {
    const { effects } = this.#parts;
    switch (effect.type) {
      case 'send':
        for (const datagram of effect.datagrams) effects.send(effect.path, datagram);
        return;
      case 'release-spi':
        return effects.releaseSpi(effect.spi);
      case 'child-done':
        return effects.childDone(effect);
      case 'add-ike-sa': {
        const { establishedOrder } = entry;
        effects.keyed?.(effect.state);
        return this.push(this.#parts.sas.add(effect.state, { establishedOrder }), { type: 'time' });
      }
      case 'too-long':
        this.#parts.drops.tooLong++;
        return;
      case 'lost':
        for (const policy of effect.policies) this.#parts.lost(policy);
        return;
      case 'ask':
        return this.#parts.ask(effect.connection, effect.task, entry.state);
      case 'give-children':
        return this.#giveChildren(entry, effect.to, effect.from);
      case 'redundant':
        return this.#pushTo(effect.spi, { type: 'redundant' });
      case 'claim':
        return this.#pushTo(effect.from, { type: 'claimed' });
      case 'established':
        return this.#established(entry, effect.isInitialContact);
      case 'closed':
        return this.#parts.sas.remove(entry);
      case 'story':
        return this.#story(entry.state, effect);
    }
  }

  #pushTo(localSpi: IkeSpi, event: IkeEvent): void {
    const entry = this.#parts.sas.get(localSpi);
    if (entry !== undefined) this.push(entry, event);
  }

  #giveChildren(entry: Entry, to: IkeSpi, from: IkeSaState): void {
    // Where the heir is gone the children go too, on either side.
    const heir = this.#parts.sas.get(to) ?? entry;
    this.#parts.sas.assign(from.children, heir);
    this.push(heir, { type: 'inherit', from });
    if (heir === entry) this.push(entry, { type: 'give-up' });
  }

  #established(entry: Entry, isInitialContact: boolean): void {
    const { sas, stories } = this.#parts;
    sas.establish(entry);
    const push = (other: Entry, event: IkeEvent): void => {
      this.push(other, event);
    };
    settleRivals(entry, isInitialContact, { sas, stories, push });
  }

  #story(
    { localSpi, role, remoteIdentity, connection }: IkeSaState,
    { name, details }: Extract<Effect, { readonly type: 'story' }>,
  ): void {
    const { stories } = this.#parts;
    const isStranger = role === 'responder' && remoteIdentity === undefined;
    if (isStranger) stories.tellOfStranger(name, { ike: localSpi, ...details });
    else {
      const peer = connection === undefined || 'peer' in details ? {} : { peer: connection.name };
      stories.tell(name, { ike: localSpi, ...details, ...peer });
    }
  }
}

/** The SAs of a Child SA are given to the SAD as one, so that the data plane is asked once. Everything else is alone. */
function inGroups(effects: readonly Effect[]): readonly (readonly Effect[])[] {
  const groups: Effect[][] = [];
  for (const effect of effects) {
    const last = groups.at(-1);
    const before = last?.[0]?.type;
    const isPair = PAIRS.some(
      (pair) => pair.includes(effect.type) && before !== undefined && pair.includes(before),
    );
    if (isPair) last?.push(effect);
    else groups.push([effect]);
  }
  return groups;
}
