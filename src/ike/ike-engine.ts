// All IKE SAs of a gateway: finds the one that a datagram or an event is for, lets next() decide, and has the effects
// executed. It owns no socket, timer or database: they are handed in. RFC 7296 §2.4, §2.6, §2.21.4.

import { formatAddress } from '../base/address.ts';
import { MalformedMessageError } from '../base/errors.ts';
import type { CryptoProvider } from '../crypto/ike-crypto.ts';
import { checkMessage } from '../wire/ike/check-message.ts';
import { ExchangeType, NotifyType } from '../wire/ike/iana.ts';
import { decodeIkeHeader, type IkeHeader } from '../wire/ike/ike-header.ts';
import { NO_IKE_SPI, toIkeSpi, type IkeSpi } from '../wire/ike/ike-spi.ts';
import { decodeMessage, type IkeMessage } from '../wire/ike/message.ts';
import type { TrafficSelector } from '../wire/ike/payload.ts';
import { complaintAbout, complaintAboutSpi, Complaints } from './complaints.ts';
import type { ChildPolicy, Connection, Path } from './connection.ts';
import { Cookies } from './cookies.ts';
import type { Effect, IkeEvent } from './effects.ts';
import { answerInit, askForCookie } from './exchanges/ike-sa-init.ts';
import { nextDeadlineMs } from './ike-sa-time.ts';
import { newInitiator, next } from './ike-sa.ts';
import type { ChildTask, IkeSaState } from './ike-sa-state.ts';
import { IkeSas, type Entry } from './ike-sas.ts';
import { find, findNotify } from './payloads.ts';
import { Peers } from './peers.ts';
import { populate } from './populate-from-packet.ts';
import { STORIES, type StoryName } from './stories.ts';
import type { IkeContext } from './turn.ts';

/** Half-open IKE SAs from which on a cookie is asked for (RFC 7296 §2.6), and beyond which nothing is answered. */
const COOKIE_THRESHOLD = 32;
const MOST_HALF_OPEN = 1024;
/** Messages that wait for the SAD; what comes beyond is sent again by the peer. */
const MOST_WAITING = 64;
const IKE_SPI_BYTES = 8;

/** What the engine does outside of itself. Each promise resolves when it is done. */
export interface IkeEffects {
  send(path: Path, datagram: Uint8Array): void;
  /** GETSPI. */
  getSpi(peer: string): number;
  releaseSpi(spi: number): void;
  install(effect: Extract<Effect, { readonly type: 'install-inbound' | 'install-outbound' }>): Promise<void>;
  remove(effect: Extract<Effect, { readonly type: 'remove-inbound' | 'remove-outbound' }>): Promise<void>;
  /** The answer to an acquire. */
  childDone(policy: string, installed: boolean): void;
  /** Where the IKE SA of a peer begins. @returns undefined where there is no way to it */
  pathTo(connection: Connection): Path | undefined;
  /** The port of this side that ESP in UDP shares, at the local address of a path. */
  floatedPort(path: Path): number;
  /** See {@link IkeContext.lastTrafficMs}. */
  lastTrafficMs(inboundSpis: readonly number[]): number;
  /** {@link IkeEngine.tick} is wanted then; a later call replaces an earlier one. */
  wakeAt(atMs: number): void;
  tell(level: 'debug' | 'info' | 'warn', sentence: string, details: Readonly<Record<string, unknown>>): void;
}

export interface IkeEngineParts {
  readonly now: () => number;
  /** See {@link IkeContext.wallClockMs}. */
  readonly wallClock: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly crypto: CryptoProvider;
  readonly effects: IkeEffects;
}

type SadEffect = 'install-inbound' | 'install-outbound' | 'remove-inbound' | 'remove-outbound';

/** What was dropped before it reached an IKE SA. */
export interface IkeDrops {
  malformed: number;
  ikeV1: number;
  unknownSpi: number;
  flooded: number;
}

export class IkeEngine {
  readonly #parts: IkeEngineParts;
  readonly #sas = new IkeSas();
  readonly #cookies: Cookies;
  readonly #complaints = new Complaints();
  readonly #running = new Set<Promise<void>>();
  readonly drops: IkeDrops = { malformed: 0, ikeV1: 0, unknownSpi: 0, flooded: 0 };
  #peers: Peers = new Peers([]);
  /** When a tick was asked for. */
  #wakeMs: number | undefined;

  constructor(parts: IkeEngineParts) {
    this.#parts = parts;
    this.#cookies = new Cookies(parts.random, parts.now());
  }

  /** The peers from now on. IKE SAs of peers that are gone or have changed are deleted. */
  useConnections(connections: readonly Connection[]): void {
    this.#peers = new Peers(connections);
    for (const entry of this.#sas.all) {
      const { connection } = entry.state;
      if (connection !== undefined && !this.#peers.has(connection)) this.#push(entry, { type: 'delete-ike' });
    }
  }

  get states(): readonly IkeSaState[] {
    return this.#sas.all.map(({ state }) => state);
  }

  /** Resolves when everything that has happened so far was worked off. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** A datagram from the ports 500 or 4500, without non-ESP marker. Never throws on what it holds. */
  receive(bytes: Uint8Array, path: Path): void {
    try {
      const header = decodeIkeHeader(bytes);
      if (header.majorVersion !== 2) return this.#refuseVersion(header, path);
      const message = decodeMessage(bytes);
      const isInit = header.exchangeType === ExchangeType.IKE_SA_INIT;
      // Others are judged when they are decrypted.
      const fault = isInit ? checkMessage(header, { clear: message.payloads }) : undefined;
      if (fault !== undefined) throw new MalformedMessageError('IKE_SA_INIT', fault.text);
      // RFC 7296 §3.1: whoever began has the Initiator flag set, so the other SPI is this side's.
      const entry = this.#sas.get(header.isFromInitiator ? header.responderSpi : header.initiatorSpi);
      if (entry !== undefined) return this.#takeMessage(entry, bytes, message, path);
      if (isInit) return this.#begin(bytes, message, path);
      this.#refuseSpi(header, path);
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      this.drops.malformed++;
    }
  }

  #takeMessage(entry: Entry, bytes: Uint8Array, message: IkeMessage, path: Path): void {
    if (entry.events.length < MOST_WAITING) this.#push(entry, { type: 'message', bytes, message, path });
    else this.drops.flooded++;
  }

  /** RFC 7296 §2.5, §1.5. */
  #refuseVersion(header: IkeHeader, path: Path): void {
    if (header.majorVersion < 2) {
      this.drops.ikeV1++;
      if (this.#mayComplain())
        this.#parts.effects.tell('warn', 'IKEv1 is not supported (RFC 9395)', describe(path));
      return;
    }
    if (!header.isResponse) this.#complain(header, path, NotifyType.INVALID_MAJOR_VERSION);
  }

  /** RFC 7296 §2.21.4. */
  #refuseSpi(header: IkeHeader, path: Path): void {
    this.drops.unknownSpi++;
    if (!header.isResponse) this.#complain(header, path, NotifyType.INVALID_IKE_SPI);
  }

  #complain(header: IkeHeader, path: Path, notifyType: number): void {
    if (this.#mayComplain()) this.#parts.effects.send(path, complaintAbout(header, notifyType));
  }

  #mayComplain(): boolean {
    return this.#complaints.mayComplain(this.#parts.now());
  }

  /** A first message: from here on it costs a key exchange, so floods end before. */
  #begin(bytes: Uint8Array, message: IkeMessage, path: Path): void {
    const { header, payloads } = message;
    if (header.isResponse || header.messageId !== 0 || header.responderSpi !== NO_IKE_SPI) return;
    if (header.initiatorSpi === NO_IKE_SPI) return;
    const key = halfOpenKey(header.initiatorSpi, path);
    const known = this.#sas.halfOpen(key);
    if (known !== undefined) return this.#repeatInit(known, bytes, path);
    const nonce = find(payloads, 'NONCE')?.nonce;
    if (this.#sas.halfOpenCount >= COOKIE_THRESHOLD && nonce !== undefined) {
      const request = { nonce, address: path.remoteAddress.bytes, initiatorSpi: header.initiatorSpi };
      const cookie = findNotify(payloads, NotifyType.COOKIE)?.data;
      const nowMs = this.#parts.now();
      if (cookie === undefined || !this.#cookies.isValid(cookie, request, nowMs))
        return this.#parts.effects.send(
          path,
          askForCookie(header.initiatorSpi, this.#cookies.make(request, nowMs)),
        );
    }
    if (this.#sas.halfOpenCount >= MOST_HALF_OPEN) {
      this.drops.flooded++;
      return;
    }
    this.#answerInit(bytes, message, path, key);
  }

  /** RFC 7296 §2.1: the same request has the same answer. */
  #repeatInit({ state }: Entry, bytes: Uint8Array, path: Path): void {
    const { initiation } = state;
    if (initiation !== undefined && Buffer.compare(initiation.request, bytes) === 0)
      this.#parts.effects.send(path, initiation.response);
  }

  #answerInit(bytes: Uint8Array, message: IkeMessage, path: Path, key: string): void {
    const { effects } = this.#parts;
    const candidates = this.#peers.at(path);
    const result = answerInit(bytes, message, path, candidates, this.#context());
    if ('drop' in result) {
      this.drops.malformed++;
      return;
    }
    if ('mismatch' in result) this.#story('no-ike-proposal', { ...describe(path), reason: result.mismatch });
    effects.send(path, result.response);
    if (!('state' in result)) return;
    this.#schedule(this.#sas.add(result.state, { halfOpenKey: key }));
    this.#story('init-answered', { ...describe(path), proposal: result.proposal });
  }

  /** The data plane has a packet for a PROTECT policy, and no SA (RFC 4301 §4.4.1). */
  acquire(policyName: string, trigger: readonly [TrafficSelector, TrafficSelector] | undefined): void {
    const found = this.#peers.ofPolicy(policyName);
    if (found === undefined) return this.#parts.effects.childDone(policyName, false);
    this.#ask(found.connection, childTask(populate(found.policy, trigger), trigger));
  }

  /** Makes the SAs of a policy where there are none, before a packet asks for them. */
  ensure(policyName: string): void {
    const peer = this.#peers.ofPolicy(policyName)?.connection.name ?? '';
    const children = this.#sas.of(peer).flatMap(({ state }) => state.children);
    if (children.every(({ policy }) => policy !== policyName)) this.acquire(policyName, undefined);
  }

  /** Whichever IKE SA of the peer can, makes the Child SA; or a new one does. */
  #ask(connection: Connection, task: ChildTask): void {
    const entries = this.#sas.of(connection.name).filter(({ state }) => state.connection === connection);
    const chosen =
      entries.find(({ state }) => state.phase === 'established') ??
      entries.find(({ state }) => state.phase === 'connecting' || state.phase === 'authenticating');
    if (chosen !== undefined) this.#push(chosen, { type: 'create-child', task });
    else this.#initiate(connection, task);
  }

  #initiate(connection: Connection, child: ChildTask): void {
    const path = this.#parts.effects.pathTo(connection);
    if (path === undefined) return this.#parts.effects.childDone(child.policy.policy, false);
    const entry = this.#sas.add(newInitiator(connection, path, this.#newIkeSpi(), this.#parts.now()));
    this.#push(entry, { type: 'initiate', child });
  }

  /**
   * A peer uses an SPI that no SA has: perhaps this side has started anew. The peer is told under no protection, and
   * believes nothing of it, but may ask whether this side lives (RFC 7296 §1.5).
   */
  unknownSpi(spi: number, path: Path): void {
    if (this.#mayComplain()) this.#parts.effects.send(path, complaintAboutSpi(spi, this.#newIkeSpi()));
  }

  /** A soft limit of an SA was met. */
  rekeyChild(inboundSpi: number): void {
    this.#toOwner({ type: 'rekey-child', inboundSpi });
  }

  /** The data plane has ended an SA at a hard limit. */
  childEnded(inboundSpi: number): void {
    this.#toOwner({ type: 'child-ended', inboundSpi });
  }

  firstPacket(inboundSpi: number): void {
    this.#toOwner({ type: 'first-packet', inboundSpi });
  }

  /** Deletes a Child SA, and tells the peer. */
  deleteChild(inboundSpi: number): void {
    this.#toOwner({ type: 'delete-child', inboundSpi });
  }

  rekeyIke(localSpi: IkeSpi): void {
    const entry = this.#sas.get(localSpi);
    if (entry !== undefined) this.#push(entry, { type: 'rekey-ike' });
  }

  /** Deletes IKE SAs with all that is theirs, and tells the peers. */
  deleteIke(peer: string): void {
    for (const entry of this.#sas.of(peer)) this.#push(entry, { type: 'delete-ike' });
  }

  #toOwner(event: Extract<IkeEvent, { readonly inboundSpi: number }>): void {
    const owner = this.#sas.ownerOf(event.inboundSpi);
    if (owner !== undefined) this.#push(owner, event);
  }

  /** Does what is due. */
  tick(): void {
    const { timetable } = this.#sas;
    const { nowMs } = this.#context();
    for (let entry = timetable.takeDue(nowMs); entry !== undefined; entry = timetable.takeDue(nowMs))
      this.#push(entry, { type: 'time' });
    this.#wakeMs = undefined;
    this.#wake();
  }

  #schedule(entry: Entry): void {
    if (entry.state.phase !== 'closed')
      this.#sas.timetable.set(entry, nextDeadlineMs(entry.state, this.#context()));
    this.#wake();
  }

  #wake(): void {
    const { nextMs } = this.#sas.timetable;
    if (nextMs === this.#wakeMs) return;
    this.#wakeMs = nextMs;
    this.#parts.effects.wakeAt(nextMs);
  }

  #push(entry: Entry, event: IkeEvent): void {
    entry.events.push(event);
    if (entry.running !== undefined) return;
    const running = this.#run(entry);
    entry.running = running;
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  async #run(entry: Entry): Promise<void> {
    // `running` must be set before it is cleared.
    await Promise.resolve();
    for (let event = entry.events.shift(); event !== undefined; event = entry.events.shift()) {
      if (this.#isForAnother(entry, event)) continue;
      const { state, effects } = next(entry.state, event, this.#context());
      this.#sas.update(entry, state);
      if (event.type === 'inherit' && state.phase === 'closed') this.#sas.forget(event.from.children, entry);
      for (const effect of effects) await this.#execute(entry, effect);
    }
    entry.running = undefined;
    this.#schedule(entry);
  }

  /** While an event waited, its Child SA may have gone to a successor, or the IKE SA may have ended. */
  #isForAnother(entry: Entry, event: IkeEvent): boolean {
    const { phase, connection } = entry.state;
    if ('inboundSpi' in event) {
      const owner = this.#sas.ownerOf(event.inboundSpi);
      if (owner === undefined || owner === entry) return false;
      this.#push(owner, event);
      return true;
    }
    const isLeaving = phase === 'replaced' || phase === 'deleting' || phase === 'closed';
    if (event.type !== 'create-child' || connection === undefined || !isLeaving) return false;
    this.#ask(connection, event.task);
    return true;
  }

  async #execute(entry: Entry, effect: Effect): Promise<void> {
    const { effects } = this.#parts;
    switch (effect.type) {
      case 'install-inbound':
      case 'install-outbound':
        await effects.install(effect);
        return;
      case 'remove-inbound':
      case 'remove-outbound':
        await effects.remove(effect);
        return;
      default:
        this.#executeAtOnce(entry, effect);
    }
  }

  #executeAtOnce(entry: Entry, effect: Exclude<Effect, { readonly type: SadEffect }>): void {
    const { effects } = this.#parts;
    switch (effect.type) {
      case 'send':
        for (const datagram of effect.datagrams) effects.send(effect.path, datagram);
        return;
      case 'release-spi':
        return effects.releaseSpi(effect.spi);
      case 'child-done':
        return effects.childDone(effect.policy, effect.installed);
      case 'add-ike-sa': {
        const { establishedOrder } = entry;
        return this.#push(this.#sas.add(effect.state, { establishedOrder }), { type: 'time' });
      }
      case 'give-children':
        return this.#giveChildren(entry, effect.to, effect.from);
      case 'redundant':
        return this.#pushTo(effect.spi, { type: 'redundant' });
      case 'claim':
        return this.#pushTo(effect.from, { type: 'claimed' });
      case 'established':
        return this.#established(entry, effect.isInitialContact);
      case 'closed':
        return this.#sas.remove(entry);
      case 'story':
        return this.#story(effect.name, { ike: entry.state.localSpi, ...effect.details });
    }
  }

  #pushTo(localSpi: IkeSpi, event: IkeEvent): void {
    const entry = this.#sas.get(localSpi);
    if (entry !== undefined) this.#push(entry, event);
  }

  #giveChildren(entry: Entry, to: IkeSpi, from: IkeSaState): void {
    // Where the heir is gone the children go too, on either side.
    const heir = this.#sas.get(to) ?? entry;
    this.#sas.assign(from.children, heir);
    this.#push(heir, { type: 'inherit', from });
    if (heir === entry) this.#push(entry, { type: 'give-up' });
  }

  #established(entry: Entry, isInitialContact: boolean): void {
    this.#sas.establish(entry);
    const { connection } = entry.state;
    if (!isInitialContact || connection === undefined) return;
    // RFC 7296 §2.4: the peer has started anew, so what it had before is dead. What was established since the peer's
    // first message it may know: both sides began at once.
    for (const other of this.#sas.of(connection.name))
      if (other.establishedOrder !== undefined && other.establishedOrder < entry.beganOrder)
        this.#push(other, { type: 'give-up' });
  }

  #story(name: StoryName, details: Readonly<Record<string, unknown>>): void {
    const { level, sentence } = STORIES[name];
    this.#parts.effects.tell(level, sentence, details);
  }

  #newIkeSpi(): IkeSpi {
    for (;;) {
      const spi = toIkeSpi(this.#parts.random(IKE_SPI_BYTES));
      if (spi !== NO_IKE_SPI && this.#sas.get(spi) === undefined) return spi;
    }
  }

  #context(): IkeContext {
    const { crypto, random, effects } = this.#parts;
    return {
      nowMs: this.#parts.now(),
      wallClockMs: this.#parts.wallClock(),
      crypto,
      random,
      newIkeSpi: () => this.#newIkeSpi(),
      floatedPort: (path) => effects.floatedPort(path),
      allocateSpi: (peer) => effects.getSpi(peer),
      findConnection: (remote, local, path) => this.#peers.find(remote, local, path),
      isFirstContact: (peer) => this.#sas.of(peer).every(({ state }) => state.phase !== 'established'),
      lastTrafficMs: (spis) => effects.lastTrafficMs(spis),
    };
  }
}

function halfOpenKey(spi: IkeSpi, { remoteAddress, remotePort }: Path): string {
  return `${spi} ${Buffer.from(remoteAddress.bytes).toString('hex')} ${remotePort}`;
}

function childTask(
  policy: ChildPolicy,
  trigger: readonly [TrafficSelector, TrafficSelector] | undefined,
): ChildTask {
  return {
    kind: 'create-child',
    policy,
    trigger,
    replaces: undefined,
    group: undefined,
    attempt: 0,
    notBeforeMs: 0,
  };
}

function describe({ remoteAddress, remotePort }: Path): Readonly<Record<string, unknown>> {
  return { from: `${formatAddress(remoteAddress)} ${remotePort}` };
}
