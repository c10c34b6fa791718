// The SAD of RFC 4301 §4.4.2, as the main thread keeps it, with the operations of RFC 2367: GETSPI, ADD, UPDATE,
// DELETE, GET, FLUSH, DUMP and the message EXPIRE. An operation resolves when whoever carries packets has
// acknowledged it: an inbound SA is in force before anybody tells the peer of it.

import { randomInt } from 'node:crypto';
import { keyMaterialBytes } from '../crypto/esp-transform.ts';
import { NO_LIFETIME } from '../spd/sa-lifetime.ts';
import { installation } from './installation.ts';
import { ReplayBitmaps } from './replay-window.ts';
import { addStep, amendmentStep, type SaAmendment, type SadEdit, type Step } from './sad-edit.ts';
import { PolicyTraffics } from './policy-traffic.ts';
import { SadError } from './sad-error.ts';
import { SaIndex } from './sa-index.ts';
import { limitsOf, writeLimits, writeSequenceLimits, type ExpireCause } from './sa-limits.ts';
import {
  describe,
  identify,
  isSameDescription,
  SaRecord,
  type NewInboundSa,
  type NewOutboundSa,
  type SaDescription,
  type SaIdentifier,
} from './sa-record.ts';
import { SaField, SaStates } from './sa-state.ts';
import { SharedRowsBySize, type OnChunk } from './shared-rows.ts';
import { viewLarval, viewSa, type LarvalView, type SaView } from './sa-view.ts';
import type {
  Endpoint,
  NextBlock,
  SaCarrier,
  SaChange,
  SaReference,
  SequenceBlock,
  SharedKey,
} from './security-association.ts';
import { SlotPool } from './slot-pool.ts';
import {
  chooseSpi,
  FIRST_SPI,
  formatSpi,
  LAST_SPI,
  type RandomInteger,
  type SpiRange,
} from './spi-allocation.ts';

/** As long as an exchange of IKE with its retransmissions may take. */
const LARVAL_TIMEOUT_MS = 165_000;
/** Changes that a carrier is given at once: it lets no packet through meanwhile. */
const CHANGES_AT_ONCE = 256;
const NO_BLOCK: SequenceBlock = { first: 0, end: 0 };

export interface SadParts {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly carrier: SaCarrier;
  readonly random?: RandomInteger;
  readonly larvalTimeoutMs?: number;
  /** Keeps memory that keys are about to lie in from swap; left out: it may be swapped. */
  readonly lockKeys?: OnChunk | undefined;
}

/** RFC 2367 §3.1.8. */
export interface SaExpire {
  readonly hard: boolean;
  readonly cause: ExpireCause;
  /** As it was when it expired. */
  readonly sa: SaView | LarvalView;
}

interface Larval {
  readonly spi: number;
  readonly peer: string;
  readonly createdMs: number;
  readonly expiresAtMs: number;
}

export class Sad {
  readonly traffic: PolicyTraffics;
  readonly #parts: SadParts;
  readonly #random: RandomInteger;
  readonly #states = new SaStates();
  readonly #bitmaps = new ReplayBitmaps();
  readonly #keys: SharedRowsBySize<SharedKey>;
  readonly #slots = new SlotPool();
  readonly #index = new SaIndex();
  readonly #larval = new Map<number, Larval>();
  /** Outer packets, by peer. */
  readonly #pathMtus = new Map<string, number>();
  /** Where peers were seen since their SAs were told where they are. */
  readonly #places = new Map<string, Endpoint>();
  readonly #expireListeners: ((expire: SaExpire) => void)[] = [];
  #nextId = 1;
  #lastDescription: SaDescription | undefined;

  constructor(parts: SadParts) {
    this.#parts = parts;
    this.#keys = new SharedRowsBySize<SharedKey>(Uint8Array, parts.lockKeys);
    this.traffic = new PolicyTraffics(() => this.#index.inUse(), parts.now);
    this.#random = parts.random ?? ((first, last) => first + randomInt(last - first + 1));
  }

  /** Oldest first. */
  get outbound(): readonly SaRecord[] {
    return this.#index.outbound;
  }

  get inbound(): readonly SaRecord[] {
    return this.#index.inbound;
  }

  /** EXPIRE: hears of every SA that meets a soft limit, or ends by itself. */
  onExpire(listener: (expire: SaExpire) => void): void {
    this.#expireListeners.push(listener);
  }

  /**
   * GETSPI: reserves an SPI for an inbound SA that is being negotiated. It is given up again by {@link tick} after
   * the larval timeout, unless {@link update} comes before.
   * @throws SadError EEXIST where no SPI of the range is free
   */
  getSpi(peer: string, range: SpiRange = { first: FIRST_SPI, last: LAST_SPI }): number {
    const spi = chooseSpi(range, (one) => this.#isInboundSpiUsed(one), this.#random);
    const createdMs = this.#parts.now();
    const expiresAtMs = createdMs + (this.#parts.larvalTimeoutMs ?? LARVAL_TIMEOUT_MS);
    this.#larval.set(spi, { spi, peer, createdMs, expiresAtMs });
    return spi;
  }

  /** ADD: an SA with everything it needs. @throws SadError EEXIST where its SPI is in use or larval */
  async add(sa: NewInboundSa | NewOutboundSa): Promise<SaView> {
    await this.edit([{ type: 'add', sa }]);
    return this.get(sa);
  }

  /** UPDATE: makes a mature SA of the larval one with its SPI. @throws SadError ESRCH where there is none (any more) */
  async update(sa: NewInboundSa): Promise<SaView> {
    const larval = this.#larval.get(sa.spi);
    if (larval === undefined || larval.expiresAtMs <= this.#parts.now())
      throw new SadError('ESRCH', `no larval SA has the SPI ${formatSpi(sa.spi)}`);
    if (larval.peer !== sa.peer)
      throw new SadError('EINVAL', `${formatSpi(sa.spi)} was reserved for another peer`);
    this.#larval.delete(sa.spi);
    try {
      return await this.add(sa);
    } catch (error) {
      if (this.#index.find(sa) === undefined) this.#larval.set(sa.spi, larval);
      throw error;
    }
  }

  /** UPDATE of an SA that is in use. @throws SadError ESRCH where there is none */
  async amend(sa: SaIdentifier, amendment: SaAmendment): Promise<SaView> {
    await this.edit([{ type: 'amend', sa, amendment }]);
    return this.get(sa);
  }

  /** Marks an SA that another one has replaced; it goes on until it is deleted. @throws SadError ESRCH */
  markReplaced(sa: SaIdentifier): void {
    this.#index.get(sa).lifecycle = 'dying';
  }

  /** DELETE, of larval SAs too. @throws SadError ESRCH where there is none */
  async delete(sa: SaIdentifier): Promise<void> {
    if (sa.direction === 'inbound' && this.#larval.delete(sa.spi)) return;
    await this.edit([{ type: 'delete', sa }]);
  }

  has(sa: SaIdentifier): boolean {
    return this.#index.find(sa) !== undefined;
  }

  /** An SPI that {@link getSpi} gave out waits for {@link update}. */
  isLarval(inboundSpi: number): boolean {
    return this.#larval.has(inboundSpi);
  }

  /** GET. @throws SadError ESRCH where there is none */
  get(sa: SaIdentifier): SaView {
    return this.#view(this.#index.get(sa));
  }

  /** FLUSH: deletes every SA, or those of a peer. @returns how many there were, larval ones included */
  async flush(peer?: string): Promise<number> {
    const isMeant = (one: string): boolean => peer === undefined || one === peer;
    const larval = [...this.#larval.values()].filter((one) => isMeant(one.peer));
    for (const { spi } of larval) this.#larval.delete(spi);
    const records = [...this.#index.outbound, ...this.#index.inbound].filter((one) =>
      isMeant(one.description.peer),
    );
    await this.edit(records.map((record) => ({ type: 'delete', sa: identify(record) })));
    return larval.length + records.length;
  }

  /** DUMP: every SA, oldest first, then the larval ones. */
  *dump(): Generator<SaView | LarvalView> {
    const now = this.#parts.now();
    for (const record of this.#index.all) yield this.#view(record);
    for (const larval of this.#larval.values()) yield viewLarval(larval, now);
  }

  /** Ends larval SAs whose time is over. @returns monotonic milliseconds of the next call, Infinity where none is needed */
  tick(): number {
    const now = this.#parts.now();
    let next = Infinity;
    for (const larval of this.#larval.values()) {
      if (larval.expiresAtMs > now) {
        next = Math.min(next, larval.expiresAtMs);
        continue;
      }
      this.#larval.delete(larval.spi);
      this.#tell({ hard: true, cause: 'time', sa: viewLarval(larval, now) });
    }
    return next;
  }

  /**
   * Makes several edits as one: all of them, or none where one is refused.
   * @param send hands the changes over instead of the carrier, so that others can go with them
   * @throws SadError where an edit is refused
   */
  async edit(
    edits: readonly SadEdit[],
    send?: (changes: readonly SaChange[]) => Promise<void>,
  ): Promise<void> {
    const steps = this.#prepare(edits);
    // Others go with them in one command.
    if (send !== undefined) return this.#make(steps, send);
    const parts: Step[][] = [];
    for (let start = 0; start < steps.length; start += CHANGES_AT_ONCE)
      parts.push(steps.slice(start, start + CHANGES_AT_ONCE));
    for (const [at, part] of parts.entries()) {
      try {
        await this.#make(part, (changes) => this.#parts.carrier.apply(changes));
      } catch (error) {
        for (const { undo } of parts
          .slice(at + 1)
          .flat()
          .reverse())
          undo();
        throw error;
      }
    }
  }

  async #make(steps: readonly Step[], send: (changes: readonly SaChange[]) => Promise<void>): Promise<void> {
    try {
      await send(steps.map(({ change }) => change));
    } catch (error) {
      // Whoever was to make the changes is gone, and the next one is told what stands here.
      for (const { undo } of steps.toReversed()) undo();
      throw error;
    }
    for (const { commit } of steps) commit();
  }

  /**
   * What lets another worker carry every SA where the one before has ended: each goes on with the next sequence number and
   * with its replay window. Changes that were not acknowledged are not among them.
   */
  standing(): readonly SaChange[] {
    const records = this.#index.all.filter(({ isInstalled }) => isInstalled);
    return records.map((record) => {
      const { state } = record;
      const block = { first: state[SaField.sequence]!, end: state[SaField.blockEnd]! };
      return installation(record, block, this.#places.get(record.description.peer));
    });
  }

  /** Zeroes every key, when nobody carries the SAs any more. */
  zeroKeys(): void {
    for (const record of this.#index.inUse()) record.keyMaterial.fill(0);
  }

  /** Where an outbound SA has its numbers from; undefined where it is gone. */
  nextBlockOf(sa: SaReference): NextBlock | undefined {
    return this.#index.refer(sa)?.nextBlock;
  }

  /** The SPI of an inbound SA; undefined where it is gone. */
  inboundSpiOf(sa: SaReference): number | undefined {
    return this.#index.refer(sa)?.spi;
  }

  /** The data plane says that an SA met a limit; where it is a hard one, it has removed the SA already. */
  expired(reference: SaReference, hard: boolean, cause: ExpireCause): void {
    const record = this.#index.refer(reference);
    // Deleted meanwhile.
    if (record === undefined) return;
    if (!hard && record.lifecycle === 'active') record.lifecycle = 'expiring';
    if (hard) record.lifecycle = 'dying';
    const sa = this.#view(record);
    if (hard) this.#release(record);
    this.#tell({ hard, cause, sa });
  }

  /** The data plane has learned, or forgotten (undefined), what the path to a peer carries. */
  notePathMtu(peer: string, mtuBytes: number | undefined): void {
    if (mtuBytes === undefined) this.#pathMtus.delete(peer);
    else this.#pathMtus.set(peer, mtuBytes);
  }

  /** The data plane has seen that packets of a peer come from there. */
  notePlace(peer: string, endpoint: Endpoint): void {
    this.#places.set(peer, endpoint);
  }

  #view(record: SaRecord): SaView {
    return viewSa(record, this.#parts.now(), this.#pathMtus.get(record.description.peer));
  }

  #tell(expire: SaExpire): void {
    for (const listener of this.#expireListeners) listener(expire);
  }

  #prepare(edits: readonly SadEdit[]): readonly Step[] {
    const steps: Step[] = [];
    try {
      for (const edit of edits) steps.push(this.#prepareOne(edit));
    } catch (error) {
      for (const { undo } of steps.reverse()) undo();
      throw error;
    }
    return steps;
  }

  #prepareOne(edit: SadEdit): Step {
    switch (edit.type) {
      case 'add':
        return this.#prepareAdd(edit.sa);
      case 'amend':
        if (edit.amendment.endpoint !== undefined)
          this.#places.delete(this.#index.get(edit.sa).description.peer);
        return amendmentStep(this.#index.get(edit.sa), edit.amendment);
      case 'delete':
        return this.#prepareDelete(this.#index.get(edit.sa));
    }
  }

  #prepareAdd(sa: NewInboundSa | NewOutboundSa): Step {
    this.#checkIdentity(sa);
    const record = this.#createRecord(sa);
    this.#index.add(record);
    const block = sa.direction === 'outbound' ? sa.block : NO_BLOCK;
    if (sa.direction === 'outbound') this.#places.delete(sa.peer);
    return addStep(record, installation(record, block), () => {
      this.#release(record);
    });
  }

  #checkIdentity(sa: NewInboundSa | NewOutboundSa): void {
    const { spi, transform, keyMaterial } = sa;
    if (!Number.isInteger(spi) || spi < FIRST_SPI || spi > LAST_SPI)
      throw new SadError('EINVAL', `${spi} is no SPI of an SA`);
    if (keyMaterial.length !== keyMaterialBytes(transform))
      throw new SadError('EINVAL', `${formatSpi(spi)}: keying material of ${keyMaterial.length} bytes`);
    const isUsed =
      sa.direction === 'inbound' ? this.#isInboundSpiUsed(spi) : this.#index.find(sa) !== undefined;
    if (isUsed) throw new SadError('EEXIST', `two ${sa.direction} SAs with the SPI ${formatSpi(spi)}`);
  }

  #createRecord(sa: NewInboundSa | NewOutboundSa): SaRecord {
    const slot = this.#slots.take();
    const now = this.#parts.now();
    const state = this.#states.take(now);
    const lifetime = sa.lifetime ?? NO_LIFETIME;
    writeLimits(state, limitsOf(lifetime, now));
    if (sa.direction === 'outbound') {
      writeSequenceLimits(state, sa.esn);
      state[SaField.sequence] = sa.block.first;
      state[SaField.blockEnd] = sa.block.end;
    }
    const isOutbound = sa.direction === 'outbound';
    const replayWindowPackets = isOutbound ? 0 : sa.replayWindowPackets;
    const replayBitmap = isOutbound ? undefined : this.#bitmaps.take(replayWindowPackets);
    const keyMaterial = this.#keys.take(sa.keyMaterial.length);
    keyMaterial.set(sa.keyMaterial);
    return new SaRecord(
      {
        slot,
        id: this.#nextId++,
        description: this.#describe(sa),
        direction: sa.direction,
        spi: sa.spi,
        replayWindowPackets,
        inboundSpi: isOutbound ? sa.inboundSpi : undefined,
        nextBlock: isOutbound ? sa.nextBlock : undefined,
        endpoint: isOutbound ? sa.endpoint : undefined,
        lifetime,
        selectors: sa.selectors,
      },
      { state, replayBitmap, keyMaterial },
    );
  }

  /** The two SAs of a pair come one behind the other, and have one description. */
  #describe(sa: SaDescription): SaDescription {
    const description = describe(sa);
    const last = this.#lastDescription;
    if (last === undefined || !isSameDescription(last, description)) this.#lastDescription = description;
    return this.#lastDescription ?? description;
  }

  #prepareDelete(record: SaRecord): Step {
    const { lifecycle, slot, id } = record;
    record.lifecycle = 'dying';
    // From here on its SPI may be added again by an edit behind this one.
    this.#index.hide(record);
    return {
      change: { type: `remove-${record.direction}`, sa: { slot, id } },
      commit: () => {
        this.#release(record);
      },
      undo: () => {
        record.lifecycle = lifecycle;
        this.#index.show(record);
      },
    };
  }

  /** RFC 4301 §4.1: the SPI alone finds a unicast SA. */
  #isInboundSpiUsed(spi: number): boolean {
    return this.#larval.has(spi) || this.#index.find({ direction: 'inbound', spi }) !== undefined;
  }

  /** Only when no worker knows the SA any more: its slot and its memory are given to the next one. */
  #release(record: SaRecord): void {
    if (!this.#index.remove(record)) return;
    this.traffic.noteGone(record);
    if (record.direction === 'outbound') this.#places.delete(record.description.peer);
    this.#slots.release(record.slot);
    this.#states.release(record.state);
    if (record.replayBitmap !== undefined) this.#bitmaps.release(record.replayBitmap);
    this.#keys.release(record.keyMaterial);
  }
}
