// All IKE SAs of a gateway, found by what a datagram, an event, a packet or a deadline names: none of it looks at all of
// them, for there may be tens of thousands under one name. RFC 7296 §2.6. It decides nothing.

import type { Address, AddressRange } from '../base/address.ts';
import { identityKey, type Identity } from '../pad/identity.ts';
import { AddressIndex } from './address-index.ts';
import type { ChildSa } from './child-sa.ts';
import { peerOf, type Connection } from './connection.ts';
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
  /** By name of the connection. */
  readonly #byName = new EntryGroups();
  /** By name and identity; of those whose peer has proved none yet by the name alone. */
  readonly #byIdentity = new EntryGroups();
  /** By what the SAD calls the peer. */
  readonly #bySadPeer = new EntryGroups();
  /** By the remote addresses of Child SAs. */
  readonly #byHeld = new AddressIndex<Entry>();
  readonly #byPlace = new AddressIndex<Entry>();
  readonly halfOpen: HalfOpenSas<Entry> = new HalfOpenSas();
  readonly timetable: Timetable<Entry> = new Timetable();
  readonly #onSpi: (spi: IkeSpi, isThere: boolean) => void;
  #order = 0;

  /** @param onSpi told of each SPI of this side that comes or goes */
  constructor(onSpi: (spi: IkeSpi, isThere: boolean) => void = () => undefined) {
    this.#onSpi = onSpi;
  }

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
    this.#onSpi(state.localSpi, true);
    if (entry.halfOpen !== undefined) this.halfOpen.add(entry, entry.halfOpen);
    this.#reindex(entry, undefined, state);
    this.assign(state.children, entry);
    return entry;
  }

  /** An IKE SA has another state. */
  update(entry: Entry, state: IkeSaState): void {
    const own: OwnEntry = entry;
    const { state: before } = entry;
    own.state = state;
    this.#reindex(entry, before, state);
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
    const { localSpi } = entry.state;
    if (this.#bySpi.get(localSpi) === entry) {
      this.#bySpi.delete(localSpi);
      this.#onSpi(localSpi, false);
    }
    this.halfOpen.remove(entry);
    this.#reindex(entry, entry.state, undefined);
    this.forget(entry.state.children, entry);
    this.timetable.set(entry, Infinity);
  }

  get(spi: IkeSpi): Entry | undefined {
    return this.#bySpi.get(spi);
  }

  ownerOf(inboundSpi: number): Entry | undefined {
    return this.#byInboundSpi.get(inboundSpi);
  }

  /** Of a connection, in the order in which they began. */
  of(name: string): readonly Entry[] {
    return this.#byName.of(name);
  }

  /** With the peer that an IKE SA is with, by what it has proved to be. */
  ofPeer(state: Pick<IkeSaState, 'connection' | 'remoteIdentity'>): readonly Entry[] {
    return this.#byIdentity.of(peerKey(state));
  }

  /** With a peer of the SAD. */
  ofSadPeer(peer: string): readonly Entry[] {
    return this.#bySadPeer.of(peer);
  }

  /** Of a connection, those whose peer has proved nothing yet. */
  unproved(connection: Connection): readonly Entry[] {
    return this.#byIdentity.of(peerKey({ connection, remoteIdentity: undefined }));
  }

  /** Those with a Child SA for any of these remote addresses. */
  holding(remote: AddressRange): ReadonlySet<Entry> {
    return this.#byHeld.holding(remote);
  }

  /** Those whose peer has proved to be at one of these addresses. */
  provedAt(remote: AddressRange): ReadonlySet<Entry> {
    return this.#byPlace.holding(remote);
  }

  /** Strangers' are not among those that are found by peer, place or address. */
  #reindex(entry: Entry, before: IkeSaState | undefined, after: IkeSaState | undefined): void {
    if (before?.connection !== after?.connection || before?.remoteIdentity !== after?.remoteIdentity) {
      if (before?.connection !== undefined) {
        this.#byName.remove(before.connection.name, entry);
        this.#byIdentity.remove(peerKey(before), entry);
        this.#bySadPeer.remove(peerOf(before), entry);
      }
      if (after?.connection !== undefined) {
        this.#byName.add(after.connection.name, entry);
        this.#byIdentity.add(peerKey(after), entry);
        this.#bySadPeer.add(peerOf(after), entry);
      }
    }
    const [placeBefore, placeAfter] = [placeOf(before), placeOf(after)];
    if (placeBefore !== placeAfter) {
      if (placeBefore !== undefined) this.#byPlace.remove(rangeOf(placeBefore), entry);
      if (placeAfter !== undefined) this.#byPlace.add(rangeOf(placeAfter), entry);
    }
    const [gone, come] = [before?.children ?? [], after?.children ?? []];
    if (gone === come) return;
    for (const { remote } of without(gone, come))
      for (const range of remote) this.#byHeld.remove(range, entry);
    for (const { remote } of without(come, gone)) for (const range of remote) this.#byHeld.add(range, entry);
  }
}

function peerKey({
  connection,
  remoteIdentity,
}: {
  readonly connection: Connection | undefined;
  readonly remoteIdentity: Identity | undefined;
}): string {
  return `${connection?.name} ${remoteIdentity === undefined ? '' : identityKey(remoteIdentity)}`;
}

function placeOf(state: IkeSaState | undefined): Address | undefined {
  return state?.connection === undefined ? undefined : state.provedPath.remoteAddress;
}

function rangeOf(address: Address): AddressRange {
  return { first: address, last: address };
}

function without(children: readonly ChildSa[], others: readonly ChildSa[]): readonly ChildSa[] {
  const left = new Set(others);
  return children.filter((child) => !left.has(child));
}

/** Entries under names, in the order in which they came. */
class EntryGroups {
  readonly #groups = new Map<string, Set<Entry>>();

  of(name: string): readonly Entry[] {
    return [...(this.#groups.get(name) ?? [])];
  }

  add(name: string, entry: Entry): void {
    const group = this.#groups.get(name);
    if (group === undefined) this.#groups.set(name, new Set([entry]));
    else group.add(entry);
  }

  remove(name: string, entry: Entry): void {
    const group = this.#groups.get(name);
    group?.delete(entry);
    if (group?.size === 0) this.#groups.delete(name);
  }
}
