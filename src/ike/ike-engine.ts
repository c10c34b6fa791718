// All IKE SAs of a gateway: finds the one that a datagram or an event is for, and makes one where none is there. It owns
// no socket, timer or database: they are handed in. RFC 7296 §2.21.4, §3.1.

import type { Address } from '../base/address.ts';
import { MalformedMessageError } from '../base/errors.ts';
import { boundClearPayloads } from '../wire/ike/clear-payloads.ts';
import { checkMessage } from '../wire/ike/check-message.ts';
import { ExchangeType } from '../wire/ike/iana.ts';
import { decodeIkeHeader } from '../wire/ike/ike-header.ts';
import { NO_IKE_SPI, toIkeSpi, type IkeSpi } from '../wire/ike/ike-spi.ts';
import { decodeMessage, type IkeMessage } from '../wire/ike/message.ts';
import type { TrafficSelector } from '../wire/ike/payload.ts';
import { Complaints } from './complaints.ts';
import type { ChildPolicy, Connection, Path } from './connection.ts';
import type { ChildDone, IkeEvent } from './effects.ts';
import { FirstMessages } from './first-messages.ts';
import type { IkeDrops, IkeEngineParts } from './ike-engine-parts.ts';
import { IkeSaRunner } from './ike-sa-runner.ts';
import { newInitiator } from './ike-sa.ts';
import type { ChildTask, IkeSaState } from './ike-sa-state.ts';
import { IkeSas, type Entry } from './ike-sas.ts';
import { Peers } from './peers.ts';
import { isHeldByOther } from './named-policies.ts';
import { populate } from './populate-from-packet.ts';
import { Restarts } from './restarts.ts';
import { StoryTeller } from './story-teller.ts';
import { carries } from './traffic-selectors.ts';
import type { IkeContext } from './turn.ts';
import { isUnwanted } from './uniqueness.ts';

/** Messages that wait for the SAD; what comes beyond is sent again by the peer. */
const MOST_WAITING = 64;
const IKE_SPI_BYTES = 8;

export class IkeEngine {
  readonly #parts: IkeEngineParts;
  readonly #sas = new IkeSas();
  readonly drops: IkeDrops = { malformed: 0, ikeV1: 0, unknownSpi: 0, flooded: 0, tooLong: 0 };
  readonly #complaints: Complaints;
  readonly #firstMessages: FirstMessages;
  readonly #runner: IkeSaRunner;
  readonly #restarts: Restarts;
  /** Policies whose SAs the peer has ended, and that wait for it. */
  readonly #closed = new Set<string>();
  #peers: Peers = new Peers([]);
  /** Peers that are looked for, and what waits for that. */
  readonly #locating = new Map<Connection, ChildTask[]>();
  readonly #locations = new Set<Promise<void>>();

  constructor(parts: IkeEngineParts) {
    this.#parts = parts;
    this.#restarts = new Restarts(parts.random);
    const stories = new StoryTeller(parts);
    this.#runner = new IkeSaRunner({
      effects: {
        ...parts.effects,
        childDone: (done) => {
          this.#childDone(done);
        },
      },
      sas: this.#sas,
      drops: this.drops,
      stories,
      context: () => this.#context(),
      ask: (connection, task) => {
        this.#ask(connection, task);
      },
      lost: (policy) => {
        this.#lost(policy);
      },
      otherDueMs: () => this.#restarts.nextMs,
    });
    this.#complaints = new Complaints(parts, this.drops);
    this.#firstMessages = new FirstMessages({
      engine: parts,
      sas: this.#sas,
      drops: this.drops,
      stories,
      context: () => this.#context(),
      candidatesAt: (path) => ({
        connections: this.#peers.at(path),
        accepted: this.#peers.acceptedAt(path),
      }),
      giveUp: (entry) => {
        this.#runner.push(entry, { type: 'give-up' });
      },
    });
  }

  /** The peers from now on. IKE SAs of peers that are gone or have changed are deleted. */
  useConnections(connections: readonly Connection[]): void {
    this.#peers = new Peers(connections);
    this.#closed.clear();
    this.#restarts.keepOnly(
      new Set(connections.flatMap(({ children }) => children.map(({ policy }) => policy))),
    );
    for (const entry of this.#sas.all) {
      const { connection } = entry.state;
      if (connection !== undefined && !this.#peers.has(connection))
        this.#runner.push(entry, { type: 'delete-ike' });
    }
  }

  get states(): readonly IkeSaState[] {
    return this.#sas.all.map(({ state }) => state);
  }

  /** Resolves when everything that has happened so far was worked off. */
  async settled(): Promise<void> {
    do {
      await Promise.all(this.#locations);
      await this.#runner.settled();
    } while (this.#locations.size > 0);
  }

  /** A datagram from the ports 500 or 4500, without non-ESP marker. Never throws on what it holds. */
  receive(bytes: Uint8Array, path: Path): void {
    try {
      const header = decodeIkeHeader(bytes);
      if (header.majorVersion !== 2) return this.#complaints.aboutVersion(header, path);
      const isInit = header.exchangeType === ExchangeType.IKE_SA_INIT;
      // RFC 7296 §3.1: whoever began has the Initiator flag set, so the other SPI is this side's.
      const entry = this.#sas.get(header.isFromInitiator ? header.responderSpi : header.initiatorSpi);
      if (entry === undefined && !isInit) return this.#complaints.aboutIkeSpi(header, path);
      boundClearPayloads(header, bytes);
      const message = decodeMessage(bytes);
      // Others are judged when they are decrypted.
      const fault = isInit ? checkMessage(header, { clear: message.payloads }) : undefined;
      if (fault !== undefined) throw new MalformedMessageError('IKE_SA_INIT', fault.text);
      if (entry !== undefined) return this.#takeMessage(entry, bytes, message, path);
      const begun = this.#firstMessages.take(bytes, message, path);
      if (begun !== undefined) this.#runner.schedule(begun);
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      this.drops.malformed++;
    }
  }

  #takeMessage(entry: Entry, bytes: Uint8Array, message: IkeMessage, path: Path): void {
    if (entry.events.length < MOST_WAITING)
      this.#runner.push(entry, { type: 'message', bytes, message, path });
    else this.drops.flooded++;
  }

  /** The data plane has a packet for a PROTECT policy, and no SA (RFC 4301 §4.4.1). */
  acquire(policyName: string, trigger: readonly [TrafficSelector, TrafficSelector] | undefined): void {
    const found = this.#peers.ofPolicy(policyName);
    const policy = found && populate(found.policy, trigger);
    // RFC 4301 §4.4.3.4: the PAD may allow less than the policy; then nobody is asked for the rest.
    const isAllowed = policy !== undefined && (trigger === undefined || carries(policy, trigger));
    if (found === undefined || !isAllowed || !policy.isAskedFor || this.#closed.has(policyName))
      return this.#parts.effects.childDone({ policy: policyName, trigger, child: undefined });
    this.#ask(found.connection, childTask(policy, trigger));
  }

  /** Makes the SAs of a policy where there are none, before a packet asks for them. */
  ensure(policyName: string): void {
    const found = this.#peers.ofPolicy(policyName);
    if (found === undefined) return;
    if (found.policy.onClose === 'restart') this.#restarts.want(policyName);
    const children = this.#sas
      .of(found.connection.name)
      .filter(({ state }) => state.phase === 'established')
      .flatMap(({ state }) => state.children);
    if (!children.some(({ policy, isReplaced }) => policy === policyName && !isReplaced))
      this.acquire(policyName, undefined);
  }

  #lost(policyName: string): void {
    const onClose = this.#peers.ofPolicy(policyName)?.policy.onClose;
    if (onClose === 'close') this.#closed.add(policyName);
    if (onClose === 'restart') this.#restarts.lost(policyName, this.#parts.now());
  }

  #childDone(done: ChildDone): void {
    this.#restarts.done(done.policy, done.child !== undefined, this.#parts.now());
    this.#parts.effects.childDone(done);
  }

  /** Whichever IKE SA of the peer can, makes the Child SA; or a new one does. */
  #ask(connection: Connection, task: ChildTask): void {
    const chosen = this.#usable(connection);
    const waiting = this.#locating.get(connection);
    if (chosen !== undefined) this.#runner.push(chosen, { type: 'create-child', task });
    else if (waiting !== undefined) waiting.push(task);
    else {
      this.#track(this.#locate(connection, [task]));
    }
  }

  #track(location: Promise<void>): void {
    this.#locations.add(location);
    void location.finally(() => this.#locations.delete(location));
  }

  #usable(connection: Connection): Entry | undefined {
    const entries = this.#sas.of(connection.name).filter(({ state }) => state.connection === connection);
    return (
      entries.find(({ state }) => state.phase === 'established' && !state.isSuperseded) ??
      entries.find(({ state }) => state.phase === 'connecting' || state.phase === 'authenticating')
    );
  }

  /** @param tasks that wait until it is known where the peer is; more may come */
  async #locate(connection: Connection, tasks: ChildTask[]): Promise<void> {
    this.#locating.set(connection, tasks);
    const path = await this.#parts.effects.pathTo(connection);
    this.#locating.delete(connection);
    for (const task of tasks) {
      // The peer itself may have begun meanwhile.
      const chosen = this.#usable(connection);
      if (chosen !== undefined) this.#runner.push(chosen, { type: 'create-child', task });
      else this.#initiate(connection, path, task);
    }
  }

  #initiate(connection: Connection, path: Path | undefined, child: ChildTask): void {
    if (path === undefined || !this.#peers.has(connection)) {
      const { policy, trigger } = child;
      this.#childDone({ policy: policy.policy, trigger, child: undefined });
      return this.#runner.wake();
    }
    const entry = this.#sas.add(newInitiator(connection, path, this.#newIkeSpi(), this.#parts.now()));
    this.#runner.push(entry, { type: 'initiate', child });
  }

  /**
   * A peer uses an SPI that no SA has: perhaps this side has started anew. The peer is told under no protection, and
   * believes nothing of it, but may ask whether this side lives (RFC 7296 §1.5).
   */
  unknownSpi(spi: number, path: Path): void {
    this.#complaints.aboutEspSpi(spi, path, () => this.#newIkeSpi());
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
    if (entry !== undefined) this.#runner.push(entry, { type: 'rekey-ike' });
  }

  /** Deletes IKE SAs with all that is theirs, and tells the peers. */
  deleteIke(peer: string): void {
    for (const entry of this.#sas.of(peer)) this.#runner.push(entry, { type: 'delete-ike' });
  }

  #toOwner(event: Extract<IkeEvent, { readonly inboundSpi: number }>): void {
    const owner = this.#sas.ownerOf(event.inboundSpi);
    if (owner !== undefined) this.#runner.push(owner, event);
  }

  /** Addresses of this host have come or gone. */
  useLocalAddresses(isLocal: (address: Address) => boolean): void {
    for (const entry of this.#sas.all) {
      const { connection, path, phase } = entry.state;
      if (connection === undefined || phase !== 'established' || isLocal(path.localAddress)) continue;
      const isOpen = connection.remoteAddress === undefined && connection.remoteName === undefined;
      if (!isOpen) this.#track(this.#leaveAddress(entry, connection, isLocal));
    }
  }

  async #leaveAddress(
    entry: Entry,
    connection: Connection,
    isLocal: (address: Address) => boolean,
  ): Promise<void> {
    // A name may have another address by now, but the peer is where it was.
    const { remoteAddress } = entry.state.path;
    const path = await this.#parts.effects.pathTo({ ...connection, remoteAddress });
    if (path === undefined) return;
    // Bound to the lost address: then there is no way from anywhere else.
    if (isLocal(path.localAddress) || isAnyAddress(path.localAddress))
      this.#runner.push(entry, { type: 'leave-address', path });
  }

  /** Does what is due. */
  tick(): void {
    for (const policy of this.#restarts.takeDue(this.#parts.now())) this.ensure(policy);
    this.#runner.tick();
  }

  #isUnwanted(state: IkeSaState): boolean {
    const { connection, localSpi } = state;
    const beganOrder = this.#sas.get(localSpi)?.beganOrder;
    if (connection === undefined || beganOrder === undefined) return false;
    return isUnwanted({ state, beganOrder }, connection, this.#sas.of(connection.name));
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
      isFirstContact: ({ name }) => this.#sas.of(name).every(({ state }) => state.phase !== 'established'),
      isUnwanted: (state) => this.#isUnwanted(state),
      isHeldByOther: (remote, state) => isHeldByOther(this.states, state, remote, this.#peers),
      lastTrafficMs: (spis) => effects.lastTrafficMs(spis),
    };
  }
}

function isAnyAddress({ bytes }: Address): boolean {
  return bytes.every((byte) => byte === 0);
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
