// Looks on while IKE works, for management: what it sees become events of SAs and counters. It changes nothing, and
// nothing that goes wrong here reaches IKE.

import { formatAddress } from '../base/address.ts';
import type { Logger } from '../base/log.ts';
import type { ChildSa } from '../ike/child-sa.ts';
import { peerOf } from '../ike/connection.ts';
import type { ChildDone, Effect, IkeEvent } from '../ike/effects.ts';
import type { IkeSaState } from '../ike/ike-sa-state.ts';
import type { ChildSaView, SaEvent } from '../management/vici/vici-gateway.ts';
import type { SaView } from '../sad/sa-view.ts';
import type { IkeSpi } from '../wire/ike/ike-spi.ts';
import { ExchangeHistory } from './exchange-history.ts';
import { HandshakeTimes } from './handshake-times.ts';
import { IkeCounters } from './ike-counters.ts';
import type { IkeSaViews } from './ike-sa-views.ts';

export interface IkeObserverParts {
  readonly log: Pick<Logger, 'error'>;
  readonly views: IkeSaViews;
  /** An IKE SA has the Child SA with this inbound SPI. */
  readonly hasChild: (inboundSpi: number) => boolean;
}

interface KnownChild {
  readonly child: ChildSa;
  /** See `peerOf`. */
  readonly peer: string;
}

export class IkeObserver {
  readonly counters: IkeCounters = new IkeCounters();
  readonly handshakes: HandshakeTimes = new HandshakeTimes();
  readonly history: ExchangeHistory = new ExchangeHistory();
  readonly #parts: IkeObserverParts;
  /** IKE SAs that are, or were, established, and are not closed; by the message that they, or the first of them, began with. */
  readonly #families = new Map<string, Map<IkeSpi, IkeSaState>>();
  readonly #children = new Map<number, KnownChild>();
  /** Inbound SPIs of those that another has replaced. */
  readonly #replaced = new Set<number>();
  readonly #replacedIkeSas = new Set<IkeSpi>();
  readonly #eventListeners = new Set<(event: SaEvent) => void>();
  readonly #changeListeners = new Set<() => void>();
  readonly #waiting = new Set<{ readonly policy: string; readonly resolve: (isDone: boolean) => void }>();

  constructor(parts: IkeObserverParts) {
    this.#parts = parts;
  }

  onEvent(listener: (event: SaEvent) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** Resolves with what becomes of the next Child SA of a policy. */
  nextChild(policy: string): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.add({ policy, resolve });
    });
  }

  received(bytes: Uint8Array): void {
    this.counters.message(bytes, 'in');
  }

  sent(bytes: Uint8Array): void {
    this.counters.message(bytes, 'out');
  }

  removed(sa: SaView): void {
    this.#parts.views.noteRemoved(sa);
  }

  childDone({ policy, trigger, child }: ChildDone): void {
    for (const one of this.#waiting) {
      // What a packet asked for in vain says nothing of what somebody else asks for.
      if (one.policy !== policy || (child === undefined && trigger !== undefined)) continue;
      this.#waiting.delete(one);
      one.resolve(child !== undefined);
    }
  }

  stepped(before: IkeSaState, event: IkeEvent, after: IkeSaState, effects: readonly Effect[]): void {
    try {
      this.history.note(before, event, after, effects);
    } catch (error) {
      this.#parts.log.error({ err: error }, 'a message of IKE could not be noted');
    }
  }

  changed(before: IkeSaState, after: IkeSaState): void {
    try {
      this.handshakes.look(before);
      const isNew = this.#noteIkeSa(after);
      if (isNew || before.children !== after.children) this.#noteChildren(before, after);
      if (after.phase === 'closed') this.#noteClosed(before, after);
      else if (!isNew) this.#notePath(before, after);
      for (const listener of this.#changeListeners) listener();
    } catch (error) {
      this.#parts.log.error({ err: error }, 'what happened to an IKE SA could not be told');
    }
  }

  /** @returns whether it is established from now on */
  #noteIkeSa(after: IkeSaState): boolean {
    const family = this.#families.get(familyOf(after));
    const isKnown = family?.has(after.localSpi) === true;
    if (isKnown && after.phase !== 'closed') family.set(after.localSpi, after);
    if (isKnown || after.phase !== 'established') return false;
    const old = oldestInUse([...(family?.values() ?? [])]);
    if (family === undefined) this.#families.set(familyOf(after), new Map([[after.localSpi, after]]));
    else family.set(after.localSpi, after);
    this.#parts.views.noteEstablished(after);
    if (old === undefined) {
      this.handshakes.established(after, this.#parts.views.nowMs);
      this.#tell(() => ({ type: 'ike-updown', isUp: true, ikeSa: this.#view(after) }));
    } else {
      this.#replacedIkeSas.add(old.localSpi);
      this.counters.done(after.role === 'initiator' ? 'ike-rekey-init' : 'ike-rekey-resp');
      this.#tell(() => ({ type: 'ike-rekey', old: this.#view(old), ikeSa: this.#view(after) }));
    }
    return true;
  }

  #notePath(before: IkeSaState, after: IkeSaState): void {
    const isEstablished = this.#families.get(familyOf(after))?.has(after.localSpi) === true;
    if (!isEstablished || isSamePath(before.path, after.path)) return;
    this.#tell(() => {
      const { local, remote } = this.#view(after);
      return { type: 'ike-update', ikeSa: this.#view(before), local, remote };
    });
  }

  #noteChildren(before: IkeSaState, after: IkeSaState): void {
    for (const child of after.children) {
      const isNew = !this.#children.has(child.inboundSpi);
      this.#children.set(child.inboundSpi, { child, peer: peerOf(after) });
      if (isNew) this.#noteNew(child, after);
    }
    for (const child of before.children)
      if (!this.#parts.hasChild(child.inboundSpi)) this.#noteGone(child, before);
  }

  #noteNew(child: ChildSa, state: IkeSaState): void {
    const { replaces } = child;
    const old = replaces === undefined ? undefined : this.#children.get(replaces);
    const both = () => ({ ikeSa: this.#view(state), child: this.#viewChild(child, state) });
    if (replaces === undefined) this.#parts.views.noteMade(child);
    if (replaces === undefined || old === undefined)
      return this.#tell(() => ({ type: 'child-updown', isUp: true, ...both() }));
    this.#replaced.add(replaces);
    this.counters.done('child-rekey');
    this.#tell(() => ({ type: 'child-rekey', old: this.#viewReplaced(old), ...both() }));
  }

  #noteGone(child: ChildSa, before: IkeSaState): void {
    if (!this.#children.delete(child.inboundSpi)) return;
    if (!this.#replaced.delete(child.inboundSpi))
      this.#tell(() => ({
        type: 'child-updown',
        isUp: false,
        ikeSa: this.#view(before),
        child: this.#viewChild(child, before),
      }));
    this.#parts.views.forgetChildSa(child, peerOf(before));
  }

  #noteClosed(before: IkeSaState, after: IkeSaState): void {
    this.handshakes.forget(after);
    const family = this.#families.get(familyOf(after));
    const wasKnown = family?.delete(after.localSpi) === true;
    if (family?.size === 0) this.#families.delete(familyOf(after));
    const wasReplaced = this.#replacedIkeSas.delete(after.localSpi);
    if (wasKnown && !wasReplaced)
      this.#tell(() => ({ type: 'ike-updown', isUp: false, ikeSa: this.#view(before) }));
    this.#parts.views.forgetIkeSa(after);
  }

  #view(state: IkeSaState): SaEvent['ikeSa'] {
    return this.#parts.views.viewIkeSa(state, peerOf(state));
  }

  #viewChild(child: ChildSa, state: IkeSaState): ChildSaView {
    return this.#parts.views.viewChildSa(child, state, peerOf(state));
  }

  #viewReplaced({ child, peer }: KnownChild): ChildSaView {
    return this.#parts.views.viewChildSa(child, { exchange: undefined }, peer);
  }

  #tell(make: () => SaEvent): void {
    if (this.#eventListeners.size === 0) return;
    const event = make();
    for (const listener of this.#eventListeners) listener(event);
  }
}

/** Whom a successor replaces: where both sides rekey at once there may be two of them. */
function oldestInUse(family: readonly IkeSaState[]): IkeSaState | undefined {
  return family.find(({ phase }) => phase === 'established') ?? family[0];
}

function isSamePath(one: IkeSaState['path'], other: IkeSaState['path']): boolean {
  return (
    one === other ||
    (one.localPort === other.localPort &&
      one.remotePort === other.remotePort &&
      formatAddress(one.localAddress) === formatAddress(other.localAddress) &&
      formatAddress(one.remoteAddress) === formatAddress(other.remoteAddress))
  );
}

function familyOf({ origin }: IkeSaState): string {
  return `${origin.initiatorSpi} ${origin.isOurs ? 'ours' : 'theirs'}`;
}
