// All IKE SAs of a gateway: finds the one that a datagram or an event is for, lets next() decide, and has the effects
// executed. It owns no socket, timer or database: they are handed in. RFC 7296 §2.4, §2.6, §2.21.4.

import { formatAddress } from '../base/address.ts';
import { MalformedMessageError } from '../base/errors.ts';
import type { CryptoProvider } from '../crypto/ike-crypto.ts';
import { matchesIdentity, type Identity } from '../pad/identity.ts';
import { ExchangeType, NotifyType } from '../wire/ike/iana.ts';
import { decodeIkeHeader, type IkeHeader } from '../wire/ike/ike-header.ts';
import { NO_IKE_SPI, toIkeSpi, type IkeSpi } from '../wire/ike/ike-spi.ts';
import { checkMessage } from '../wire/ike/check-message.ts';
import { decodeMessage, encodeMessage, type IkeMessage } from '../wire/ike/message.ts';
import type { TrafficSelector } from '../wire/ike/payload.ts';
import { espSpiBytes } from './child-sa.ts';
import type { ChildPolicy, Connection, Path } from './connection.ts';
import { Cookies } from './cookies.ts';
import type { Effect, IkeEvent } from './effects.ts';
import { answerInit, askForCookie } from './exchanges/ike-sa-init.ts';
import { newInitiator, next, nextDeadlineMs } from './ike-sa.ts';
import type { ChildTask, IkeSaState } from './ike-sa-state.ts';
import { find, findNotify, notify } from './payloads.ts';
import { STORIES, type StoryName } from './stories.ts';
import type { IkeContext } from './turn.ts';

/** Half-open IKE SAs from which on a cookie is asked for (RFC 7296 §2.6), and beyond which nothing is answered. */
const COOKIE_THRESHOLD = 32;
const MOST_HALF_OPEN = 1024;
/** Unauthenticated answers that a second has room for (RFC 7296 §2.21.4). */
const COMPLAINTS_PER_SECOND = 10;
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
  readonly random: (bytes: number) => Uint8Array;
  readonly crypto: CryptoProvider;
  readonly effects: IkeEffects;
}

type SadEffect = 'install-inbound' | 'install-outbound' | 'remove-inbound' | 'remove-outbound';

/** RFC 7296 §1.5: an INFORMATIONAL request outside of every IKE SA, which has no answer. */
const ONE_WAY = {
  responderSpi: NO_IKE_SPI,
  majorVersion: 2,
  minorVersion: 0,
  exchangeType: ExchangeType.INFORMATIONAL,
  isFromInitiator: true,
  hasHigherVersion: false,
  isResponse: false,
  messageId: 0,
} as const;

interface Entry {
  state: IkeSaState;
  readonly events: IkeEvent[];
  running: Promise<void> | undefined;
}

/** What was dropped before it reached an IKE SA. */
export interface IkeDrops {
  malformed: number;
  ikeV1: number;
  unknownSpi: number;
  flooded: number;
}

export class IkeEngine {
  readonly #parts: IkeEngineParts;
  readonly #bySpi = new Map<IkeSpi, Entry>();
  /** Half-open ones by the peer's SPI and address: its first message may come again. */
  readonly #halfOpen = new Map<string, Entry>();
  readonly #cookies: Cookies;
  readonly drops: IkeDrops = { malformed: 0, ikeV1: 0, unknownSpi: 0, flooded: 0 };
  #connections: readonly Connection[] = [];
  #complaints = { second: 0, count: 0 };

  constructor(parts: IkeEngineParts) {
    this.#parts = parts;
    this.#cookies = new Cookies(parts.random, parts.now());
  }

  /** The peers from now on. IKE SAs of peers that are gone or have changed are deleted. */
  useConnections(connections: readonly Connection[]): void {
    this.#connections = connections;
    for (const entry of this.#bySpi.values()) {
      const { connection } = entry.state;
      if (connection !== undefined && !connections.includes(connection))
        this.#push(entry, { type: 'delete-ike' });
    }
  }

  get states(): readonly IkeSaState[] {
    return [...this.#bySpi.values()].map(({ state }) => state);
  }

  /** Resolves when everything that has happened so far was worked off. */
  async settled(): Promise<void> {
    for (;;) {
      const running = [...this.#bySpi.values()]
        .map((entry) => entry.running)
        .filter((one) => one !== undefined);
      if (running.length === 0) return;
      await Promise.all(running);
    }
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
      const entry = this.#entryOf(header);
      if (entry !== undefined) return this.#push(entry, { type: 'message', bytes, message, path });
      if (isInit) return this.#begin(bytes, message, path);
      this.#refuseSpi(header, path);
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      this.drops.malformed++;
    }
  }

  #entryOf(header: IkeHeader): Entry | undefined {
    // RFC 7296 §3.1: whoever began has the Initiator flag set, so the other SPI is this side's.
    return this.#bySpi.get(header.isFromInitiator ? header.responderSpi : header.initiatorSpi);
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
    if (!this.#mayComplain()) return;
    const { initiatorSpi, responderSpi, exchangeType, messageId } = header;
    const answer = encodeMessage(
      {
        initiatorSpi,
        responderSpi,
        exchangeType,
        messageId,
        majorVersion: 2,
        minorVersion: 0,
        isResponse: true,
        isFromInitiator: !header.isFromInitiator,
        hasHigherVersion: false,
      },
      [notify(notifyType)],
    );
    this.#parts.effects.send(path, answer);
  }

  #mayComplain(): boolean {
    const second = Math.floor(this.#parts.now() / 1000);
    if (second !== this.#complaints.second) this.#complaints = { second, count: 0 };
    this.#complaints.count++;
    return this.#complaints.count <= COMPLAINTS_PER_SECOND;
  }

  /** A first message: from here on it costs a key exchange, so floods end before. */
  #begin(bytes: Uint8Array, message: IkeMessage, path: Path): void {
    const { header, payloads } = message;
    if (header.isResponse || header.messageId !== 0 || header.responderSpi !== NO_IKE_SPI) return;
    if (header.initiatorSpi === NO_IKE_SPI) return;
    const key = halfOpenKey(header.initiatorSpi, path);
    const known = this.#halfOpen.get(key);
    if (known !== undefined) return this.#repeatInit(known, bytes, path);
    const nonce = find(payloads, 'NONCE')?.nonce;
    if (this.#halfOpen.size >= COOKIE_THRESHOLD && nonce !== undefined) {
      const request = { nonce, address: path.remoteAddress.bytes, initiatorSpi: header.initiatorSpi };
      const cookie = findNotify(payloads, NotifyType.COOKIE)?.data;
      const nowMs = this.#parts.now();
      if (cookie === undefined || !this.#cookies.isValid(cookie, request, nowMs))
        return this.#parts.effects.send(
          path,
          askForCookie(header.initiatorSpi, this.#cookies.make(request, nowMs)),
        );
    }
    if (this.#halfOpen.size >= MOST_HALF_OPEN) {
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
    const accepted = this.#connections
      .filter((connection) => couldBe(connection, path))
      .flatMap(({ proposals }) => proposals);
    const result = answerInit(bytes, message, path, accepted, this.#context());
    if ('drop' in result) {
      this.drops.malformed++;
      return;
    }
    if ('mismatch' in result) this.#story('no-ike-proposal', { ...describe(path), reason: result.mismatch });
    effects.send(path, result.response);
    if (!('state' in result)) return;
    const entry = this.#add(result.state);
    this.#halfOpen.set(key, entry);
    this.#story('init-answered', { ...describe(path), proposal: result.proposal });
  }

  /** The data plane has a packet for a PROTECT policy, and no SA (RFC 4301 §4.4.1). */
  acquire(policyName: string, trigger: readonly [TrafficSelector, TrafficSelector] | undefined): void {
    const connection = this.#connections.find(({ children }) =>
      children.some(({ policy }) => policy === policyName),
    );
    const policy = connection?.children.find((child) => child.policy === policyName);
    if (connection === undefined || policy === undefined)
      return this.#parts.effects.childDone(policyName, false);
    const task = childTask(policy, trigger);
    const established = this.#of(connection).find(({ state }) => state.phase === 'established');
    if (established !== undefined) return this.#push(established, { type: 'create-child', task });
    const beginning = this.#of(connection).find(
      ({ state }) => state.phase === 'connecting' || state.phase === 'authenticating',
    );
    if (beginning !== undefined) return this.#push(beginning, { type: 'create-child', task });
    this.#initiate(connection, task);
  }

  /** Makes the SAs of a policy where there are none, before a packet asks for them. */
  ensure(policyName: string): void {
    const hasChild = this.states.some(({ children }) => children.some(({ policy }) => policy === policyName));
    if (!hasChild) this.acquire(policyName, undefined);
  }

  #initiate(connection: Connection, child: ChildTask | undefined): void {
    const path = this.#parts.effects.pathTo(connection);
    if (path === undefined) {
      if (child !== undefined) this.#parts.effects.childDone(child.policy.policy, false);
      return;
    }
    const entry = this.#add(newInitiator(connection, path, this.#newIkeSpi(), this.#parts.now()));
    this.#push(entry, { type: 'initiate', child });
  }

  /**
   * A peer uses an SPI that no SA has: perhaps this side has started anew. The peer is told under no protection, and
   * believes nothing of it, but may ask whether this side lives (RFC 7296 §1.5).
   */
  unknownSpi(spi: number, path: Path): void {
    if (!this.#mayComplain()) return;
    const header = { ...ONE_WAY, initiatorSpi: this.#newIkeSpi() };
    this.#parts.effects.send(path, encodeMessage(header, [notify(NotifyType.INVALID_SPI, espSpiBytes(spi))]));
  }

  /** A soft limit of an SA was met. */
  rekeyChild(inboundSpi: number): void {
    this.#toOwner(inboundSpi, { type: 'rekey-child', inboundSpi });
  }

  /** The data plane has ended an SA at a hard limit. */
  childEnded(inboundSpi: number): void {
    this.#toOwner(inboundSpi, { type: 'child-ended', inboundSpi });
  }

  firstPacket(inboundSpi: number): void {
    this.#toOwner(inboundSpi, { type: 'first-packet', inboundSpi });
  }

  /** Deletes a Child SA, and tells the peer. */
  deleteChild(inboundSpi: number): void {
    this.#toOwner(inboundSpi, { type: 'delete-child', inboundSpi });
  }

  rekeyIke(localSpi: IkeSpi): void {
    const entry = this.#bySpi.get(localSpi);
    if (entry !== undefined) this.#push(entry, { type: 'rekey-ike' });
  }

  /** Deletes IKE SAs with all that is theirs, and tells the peers. */
  deleteIke(peer: string): void {
    for (const entry of this.#bySpi.values())
      if (entry.state.connection?.name === peer) this.#push(entry, { type: 'delete-ike' });
  }

  #toOwner(inboundSpi: number, event: IkeEvent): void {
    for (const entry of this.#bySpi.values())
      if (entry.state.children.some((child) => child.inboundSpi === inboundSpi)) this.#push(entry, event);
  }

  /** Does what is due. */
  tick(): void {
    const context = this.#context();
    for (const entry of this.#bySpi.values())
      if (nextDeadlineMs(entry.state, context) <= context.nowMs) this.#push(entry, { type: 'time' });
    this.#wake();
  }

  #wake(): void {
    const context = this.#context();
    let atMs = Infinity;
    for (const { state } of this.#bySpi.values()) atMs = Math.min(atMs, nextDeadlineMs(state, context));
    this.#parts.effects.wakeAt(atMs);
  }

  #of(connection: Connection): readonly Entry[] {
    return [...this.#bySpi.values()].filter(({ state }) => state.connection === connection);
  }

  #add(state: IkeSaState): Entry {
    const entry: Entry = { state, events: [], running: undefined };
    this.#bySpi.set(state.localSpi, entry);
    this.#wake();
    return entry;
  }

  #push(entry: Entry, event: IkeEvent): void {
    entry.events.push(event);
    entry.running ??= this.#run(entry);
  }

  async #run(entry: Entry): Promise<void> {
    // `running` must be set before it is cleared.
    await Promise.resolve();
    for (let event = entry.events.shift(); event !== undefined; event = entry.events.shift()) {
      const { state, effects } = next(entry.state, event, this.#context());
      entry.state = state;
      for (const effect of effects) await this.#execute(entry, effect);
    }
    entry.running = undefined;
    this.#wake();
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
      case 'add-ike-sa':
        return this.#push(this.#add(effect.state), { type: 'time' });
      case 'give-children': {
        const heir = this.#bySpi.get(effect.to);
        if (heir !== undefined) this.#push(heir, { type: 'inherit', from: effect.from });
        return;
      }
      case 'established':
        return this.#established(entry, effect.isInitialContact);
      case 'closed':
        return this.#forget(entry);
      case 'story':
        return this.#story(effect.name, { ike: entry.state.localSpi, ...effect.details });
    }
  }

  #established(entry: Entry, isInitialContact: boolean): void {
    this.#forgetHalfOpen(entry);
    if (!isInitialContact) return;
    // RFC 7296 §2.4: the peer has started anew, so what it had before is dead.
    for (const other of this.#bySpi.values())
      if (
        other !== entry &&
        other.state.connection === entry.state.connection &&
        other.state.phase !== 'connecting'
      )
        this.#push(other, { type: 'give-up' });
  }

  #forget(entry: Entry): void {
    this.#bySpi.delete(entry.state.localSpi);
    this.#forgetHalfOpen(entry);
  }

  #forgetHalfOpen(entry: Entry): void {
    for (const [key, one] of this.#halfOpen) if (one === entry) this.#halfOpen.delete(key);
  }

  #story(name: StoryName, details: Readonly<Record<string, unknown>>): void {
    const { level, sentence } = STORIES[name];
    this.#parts.effects.tell(level, sentence, details);
  }

  #newIkeSpi(): IkeSpi {
    for (;;) {
      const spi = toIkeSpi(this.#parts.random(IKE_SPI_BYTES));
      if (spi !== NO_IKE_SPI && !this.#bySpi.has(spi)) return spi;
    }
  }

  #context(): IkeContext {
    const { crypto, random, effects } = this.#parts;
    return {
      nowMs: this.#parts.now(),
      crypto,
      random,
      newIkeSpi: () => this.#newIkeSpi(),
      floatedPort: (path) => effects.floatedPort(path),
      allocateSpi: (peer) => effects.getSpi(peer),
      findConnection: (remote, local, path) => this.#findConnection(remote, local, path),
      isFirstContact: (peer) =>
        ![...this.#bySpi.values()].some(
          ({ state }) => state.connection?.name === peer && state.phase === 'established',
        ),
      lastTrafficMs: (spis) => effects.lastTrafficMs(spis),
    };
  }

  /** RFC 4301 §4.4.3.1: the first entry that matches. */
  #findConnection(remote: Identity, local: Identity | undefined, path: Path): Connection | undefined {
    return this.#connections.find(
      (connection) =>
        couldBe(connection, path) &&
        matchesIdentity(connection.pad.remote.identity, remote) &&
        (local === undefined || isSameIdentity(connection.pad.local.identity, local)),
    );
  }
}

function isSameIdentity(one: Identity, other: Identity): boolean {
  return one.idType === other.idType && Buffer.compare(one.data, other.data) === 0;
}

/** A peer with a fixed address comes from it, unless a NAT is in front of it; the identity decides in the end. */
function couldBe({ remoteAddress }: Connection, path: Path): boolean {
  return remoteAddress === undefined || Buffer.compare(remoteAddress.bytes, path.remoteAddress.bytes) === 0;
}

function halfOpenKey(spi: IkeSpi, { remoteAddress, remotePort }: Path): string {
  return `${spi} ${Buffer.from(remoteAddress.bytes).toString('hex')} ${remotePort}`;
}

export function childTask(
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
