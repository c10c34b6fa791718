// All IKE SAs of a gateway, found by what a datagram, an event or a deadline names. RFC 7296 §2.6. It decides nothing.

import type { ChildSa } from './child-sa.ts';
import type { IkeEvent } from './effects.ts';
import { HalfOpenSas, type HalfOpen } from './half-open-sas.ts';
import type { IkeSaState } from './ike-sa-state.ts';
import { Timetable } from './timetable.ts';
import type { IkeSpi } from '../wire/ike/ike-spi.ts';

/** One IKE SA. */
export interface Entry {
  readonly state: IkeSaState;
  /** What has happened to it, and waits for what happened before. */
  readonly events: IkeEvent[];
  running: Promise<void> | undefined;
  /** Where it stands in the order of all beginnings and establishments. */
  readonly beganOrder: number;
  /** A successor has that of the IKE SA that it replaced. */
  establishedOrder: number | undefined;
  readonly halfOpen: HalfOpen | undefined;
}

type OwnEntry = { -readonly [Field in keyof Entry]: Entry[Field] };

export class IkeSas {
  readonly #bySpi = new Map<IkeSpi, OwnEntry>();
  readonly #byInboundSpi = new Map<number, Entry>();
  readonly #byPeer = new Map<string, Set<Entry>>();
  readonly halfOpen: HalfOpenSas<Entry> = new HalfOpenSas();
  readonly timetable: Timetable<Entry> = new Timetable();
  #order = 0;

  get all(): readonly Entry[] {
    return [...this.#bySpi.values()];
  }

  add(state: IkeSaState, more: Partial<Pick<Entry, 'establishedOrder' | 'halfOpen'>> = {}): Entry {
    const entry: OwnEntry = {
      state,
      events: [],
      running: undefined,
      beganOrder: ++this.#order,
      establishedOrder: more.establishedOrder,
      halfOpen: more.halfOpen,
    };
    this.#bySpi.set(state.localSpi, entry);
    if (entry.halfOpen !== undefined) this.halfOpen.add(entry, entry.halfOpen);
    this.#addToPeer(entry);
    this.assign(state.children, entry);
    return entry;
  }

  /** An IKE SA has another state. */
  update(entry: Entry, state: IkeSaState): void {
    const own: OwnEntry = entry;
    const { state: before } = entry;
    own.state = state;
    if (before.connection !== state.connection) {
      this.#removeFromPeer(entry, before);
      this.#addToPeer(entry);
    }
    if (before.children === state.children) return;
    this.forget(before.children, entry);
    this.assign(state.children, entry);
  }

  /** These Child SAs are the entry's, or will be when it has worked off what it waits for. */
  assign(children: readonly ChildSa[], entry: Entry): void {
    for (const { inboundSpi } of children) this.#byInboundSpi.set(inboundSpi, entry);
  }

  forget(children: readonly ChildSa[], entry: Entry): void {
    for (const { inboundSpi } of children)
      if (this.#byInboundSpi.get(inboundSpi) === entry) this.#byInboundSpi.delete(inboundSpi);
  }

  establish(entry: Entry): void {
    entry.establishedOrder ??= ++this.#order;
    this.halfOpen.remove(entry);
  }

  remove(entry: Entry): void {
    if (this.#bySpi.get(entry.state.localSpi) === entry) this.#bySpi.delete(entry.state.localSpi);
    this.halfOpen.remove(entry);
    this.#removeFromPeer(entry, entry.state);
    this.timetable.set(entry, Infinity);
  }

  get(spi: IkeSpi): Entry | undefined {
    return this.#bySpi.get(spi);
  }

  ownerOf(inboundSpi: number): Entry | undefined {
    return this.#byInboundSpi.get(inboundSpi);
  }

  /** In the order in which they began. */
  of(peer: string): readonly Entry[] {
    return [...(this.#byPeer.get(peer) ?? [])];
  }

  #addToPeer(entry: Entry): void {
    const name = entry.state.connection?.name;
    if (name === undefined) return;
    const peers = this.#byPeer.get(name);
    if (peers === undefined) this.#byPeer.set(name, new Set([entry]));
    else peers.add(entry);
  }

  #removeFromPeer(entry: Entry, { connection }: IkeSaState): void {
    const peers = this.#byPeer.get(connection?.name ?? '');
    peers?.delete(entry);
    if (peers?.size === 0) this.#byPeer.delete(connection?.name ?? '');
  }
}
