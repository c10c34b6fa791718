// All IKE SAs of a gateway: finds the one that a datagram or an event is for, and makes one where none is there. It owns
// no socket, timer or database: they are handed in. RFC 7296 §2.21.4, §3.1.
//
// A step that fails ends its IKE SA (ike-sa-runner.ts), a message or a search for a path that fails ends itself: told as an
// error, counted, and the gateway goes on, whoever sent the message. An error anywhere else, in the books of the engine or
// in its clock, is a defect after which nobody knows which SAs stand: it is not caught, and the gateway ends.

import type { Address } from '../base/address.ts';
import { MalformedMessageError } from '../base/errors.ts';
import { boundClearPayloads } from '../wire/ike/clear-payloads.ts';
import { checkMessage } from '../wire/ike/check-message.ts';
import { ExchangeType } from '../wire/ike/iana.ts';
import { decodeIkeHeader } from '../wire/ike/ike-header.ts';
import { NO_IKE_SPI, toIkeSpi, type IkeSpi } from '../wire/ike/ike-spi.ts';
import { decodeMessage, type IkeMessage } from '../wire/ike/message.ts';
import type { TrafficSelector } from '../wire/ike/payload.ts';
import { ChildRequests } from './child-requests.ts';
import { Complaints } from './complaints.ts';
import { describePath, type Connection, type Path } from './connection.ts';
import type { IkeEvent } from './effects.ts';
import { FirstMessages } from './first-messages.ts';
import type { IkeDrops, IkeEngineParts } from './ike-engine-parts.ts';
import { IkeSaRunner } from './ike-sa-runner.ts';
import type { IkeSaState } from './ike-sa-state.ts';
import { IkeSas, type Entry } from './ike-sas.ts';
import { LostAddresses } from './lost-addresses.ts';
import { PathSearches } from './path-searches.ts';
import { Peers } from './peers.ts';
import { isHeldByOther } from './named-policies.ts';
import type { StoryName } from './stories.ts';
import { StoryTeller } from './story-teller.ts';
import type { IkeContext } from './turn.ts';
import { isUnwanted } from './uniqueness.ts';

/** Messages that wait for the SAD; what comes beyond is sent again by the peer. */
const MOST_WAITING = 64;
const IKE_SPI_BYTES = 8;

export class IkeEngine {
  readonly #parts: IkeEngineParts;
  readonly #sas: IkeSas;
  readonly drops: IkeDrops = {
    malformed: 0,
    ikeV1: 0,
    unknownSpi: 0,
    flooded: 0,
    tooLong: 0,
    failed: 0,
  };
  readonly #stories: StoryTeller;
  readonly #complaints: Complaints;
  readonly #firstMessages: FirstMessages;
  readonly #searches: PathSearches;
  readonly #requests: ChildRequests;
  readonly #runner: IkeSaRunner;
  readonly #lostAddresses: LostAddresses;
  #peers: Peers = new Peers([]);

  constructor(parts: IkeEngineParts) {
    this.#parts = parts;
    this.#sas = new IkeSas((spi, isThere) => parts.effects.spi?.(spi, isThere));
    const stories = new StoryTeller(parts);
    this.#stories = stories;
    this.#searches = new PathSearches({ engine: parts, stories, drops: this.drops });
    this.#requests = new ChildRequests({
      engine: parts,
      sas: this.#sas,
      searches: this.#searches,
      stories,
      runner: () => this.#runner,
      newIkeSpi: () => this.#newIkeSpi(),
    });
    this.#runner = new IkeSaRunner({
      effects: {
        ...parts.effects,
        childDone: (done) => {
          this.#requests.done(done);
        },
      },
      sas: this.#sas,
      drops: this.drops,
      stories,
      context: () => this.#context(),
      ask: (connection, task, asker) => {
        this.#requests.ask(connection, task, asker);
      },
      lost: (policy) => {
        this.#requests.lost(policy);
      },
      otherDueMs: () => this.#requests.nextMs,
    });
    this.#lostAddresses = new LostAddresses({
      sas: this.#sas,
      searches: this.#searches,
      runner: this.#runner,
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
    const policies = connections.flatMap(({ children }) => children.map(({ policy }) => policy));
    this.#requests.usePeers(this.#peers, new Set(policies));
    for (const entry of this.#sas.all) {
      const { connection } = entry.state;
      if (connection !== undefined && !this.#peers.has(connection))
        this.#runner.push(entry, { type: 'delete-ike' });
    }
  }

  get states(): readonly IkeSaState[] {
    return this.#sas.all.map(({ state }) => state);
  }

  get halfOpenCount(): number {
    return this.#sas.halfOpen.count;
  }

  get cookiesAsked(): number {
    return this.#firstMessages.cookiesAsked;
  }

  /** How often each thing of {@link STORIES} happened; what never did is not among them. */
  get storyCounts(): ReadonlyMap<StoryName, number> {
    return this.#stories.counts;
  }

  /** Resolves when everything that has happened so far was worked off. */
  async settled(): Promise<void> {
    do {
      await this.#searches.settled();
      await this.#runner.settled();
    } while (!this.#searches.isIdle);
  }

  /** A datagram from the ports 500 or 4500, without non-ESP marker. Never throws on what it holds. */
  receive(bytes: Uint8Array, path: Path): void {
    try {
      this.#receive(bytes, path);
    } catch (error) {
      if (error instanceof MalformedMessageError) this.drops.malformed++;
      else this.#noteFailure(path, error);
    }
  }

  #receive(bytes: Uint8Array, path: Path): void {
    const header = decodeIkeHeader(bytes);
    if (header.majorVersion !== 2) return this.#complaints.aboutVersion(header, path);
    const isInit = header.exchangeType === ExchangeType.IKE_SA_INIT;
    // RFC 7296 §3.1: whoever began has the Initiator flag set, so the other SPI is this side's.
    const entry = this.#sas.get(header.isFromInitiator ? header.responderSpi : header.initiatorSpi);
    if (entry === undefined && !isInit) return this.#complaints.aboutIkeSpi(header, path);
    if (entry === undefined && this.#firstMessages.asksForCookie(bytes, header, path)) return;
    boundClearPayloads(header, bytes);
    const message = decodeMessage(bytes);
    // Others are judged when they are decrypted.
    const fault = isInit ? checkMessage(header, { clear: message.payloads }) : undefined;
    if (fault !== undefined) throw new MalformedMessageError('IKE_SA_INIT', fault.text);
    if (entry !== undefined) return this.#takeMessage(entry, bytes, message, path);
    const begun = this.#firstMessages.take(bytes, message, path);
    if (begun !== undefined) this.#runner.schedule(begun);
  }

  #takeMessage(entry: Entry, bytes: Uint8Array, message: IkeMessage, path: Path): void {
    if (entry.events.length < MOST_WAITING)
      this.#runner.push(entry, { type: 'message', bytes, message, path });
    else this.drops.flooded++;
  }

  /** Anybody can have sent it, so there is no IKE SA to close, and the log has a bound. */
  #noteFailure(path: Path, error: unknown): void {
    this.drops.failed++;
    this.#stories.tellOfStranger('message-failed', { ...describePath(path), err: error });
  }

  /** The data plane has a packet for a PROTECT policy, and no SA (RFC 4301 §4.4.1). */
  acquire(policyName: string, trigger: readonly [TrafficSelector, TrafficSelector] | undefined): void {
    this.#requests.acquire(policyName, trigger);
  }

  /** Makes the SAs of a policy where there are none, before a packet asks for them. */
  ensure(policyName: string): void {
    this.#requests.ensure(policyName);
  }

  /** Makes the SAs of a policy because somebody asks for them by name. @returns false where no peer has the policy */
  initiate(policyName: string): boolean {
    return this.#requests.initiate(policyName);
  }

  /**
   * A peer uses an SPI that no SA has: perhaps this side has started anew. The peer is told under no protection, and
   * believes nothing of it, but may ask whether this side lives (RFC 7296 §1.5).
   */
  unknownSpi(spi: number, path: Path): void {
    this.#complaints.aboutEspSpi(spi, path, () => this.#newIkeSpi());
  }

  /** An authentic ESP packet of a peer of the SAD came from elsewhere, and packets to it go there (RFC 7296 §2.23). */
  peerSeen(peer: string, remoteAddress: Address, remotePort: number): void {
    for (const entry of this.#sas.ofSadPeer(peer))
      this.#runner.push(entry, { type: 'peer-seen', remoteAddress, remotePort });
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

  /** Deletes one IKE SA, and tells the peer. @param waits false: not longer than that takes */
  endIke(localSpi: IkeSpi, waits: boolean): void {
    const entry = this.#sas.get(localSpi);
    if (entry === undefined) return;
    this.#runner.push(entry, { type: 'delete-ike' });
    if (!waits) this.#runner.push(entry, { type: 'give-up' });
  }

  /** An IKE SA has the Child SA, or will have it when it has worked off what it waits for. */
  hasChild(inboundSpi: number): boolean {
    return this.#sas.ownerOf(inboundSpi) !== undefined;
  }

  #toOwner(event: Extract<IkeEvent, { readonly inboundSpi: number }>): void {
    const owner = this.#sas.ownerOf(event.inboundSpi);
    if (owner !== undefined) this.#runner.push(owner, event);
  }

  /** Addresses of this host have come or gone. */
  useLocalAddresses(isLocal: (address: Address) => boolean): void {
    this.#lostAddresses.leave(isLocal);
  }

  /** Does what is due. */
  tick(): void {
    this.#requests.tick();
    this.#runner.tick();
  }

  #isUnwanted(state: IkeSaState): boolean {
    const { connection, localSpi } = state;
    const beganOrder = this.#sas.get(localSpi)?.beganOrder;
    if (connection === undefined || beganOrder === undefined) return false;
    return isUnwanted({ state, beganOrder }, connection, this.#sas.ofPeer(state));
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
      isHeldByOther: (remote, state) => isHeldByOther(this.#sas, state, remote, this.#peers),
      lastTrafficMs: (spis) => effects.lastTrafficMs(spis),
    };
  }
}
