// The SAs of one worker, as packets find them: inbound by SPI, outbound by policy (RFC 4301 §4.4.2). A policy has
// several outbound ones while an SA is being replaced, and where IKE has made them for parts of its traffic; of those
// that may carry a packet, the newest does.

import { ReplayWindow } from '../sad/replay-window.ts';
import { writeLimits } from '../sad/sa-limits.ts';
import type { SaState } from '../sad/sa-state.ts';
import type {
  Endpoint,
  InboundSecurityAssociation,
  OutboundSecurityAssociation,
  SaReference,
  SaUpdate,
} from '../sad/security-association.ts';
import { SequenceCounter } from '../sad/sequence-counter.ts';
import { NO_SA, SpiTable } from '../sad/spi-table.ts';
import { findEspTransform, type EspTransform } from '../crypto/esp-transform.ts';
import { NO_SELECTORS, type Selectors } from '../spd/policy.ts';
import type { TunnelOptions } from '../spd/tunnel-options.ts';
import { SelectorMatcher } from '../spd/selector-match.ts';
import type { SpdEntry } from '../spd/snapshot.ts';
import type { Devices } from './devices.ts';
import type { Engine } from './engine.ts';
import { FIRST_SA_ENDPOINT } from './endpoint-rows.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import { inboundWorker, outboundWorker, SOLE_WORKER, type WorkerShare } from './workers/share.ts';

/** An outbound SA as a worker finds it by policy, whichever worker sends by it. */
export interface OutboundSa extends SaReference {
  /** The worker that sends by it: it alone has its key, and takes its numbers. */
  readonly worker: number;
  readonly transform: EspTransform;
  readonly tunnel: TunnelOptions;
  readonly peer: Peer;
  /** A later fragment cannot be judged by such selectors (RFC 4301 §7). */
  readonly selectsPorts: boolean;
  readonly endpoint: number;
  readonly isOfIke: boolean;
  readonly policy: string;
  readonly spi: number;
  readonly selectors: SelectorMatcher;
  /** Names the SA and its selectors in a flow cache: 32 bits, another for every SA and every change of selectors. */
  readonly flowId: number;
  readonly counter: SequenceCounter;
  readonly state: SaState;
  /** Monotonic milliseconds; dummy packets count too. */
  lastSentMs: number;
}

/** An inbound SA in the worker that owns its replay window. */
export interface InboundSa extends SaReference {
  readonly transform: EspTransform;
  readonly esn: boolean;
  readonly mode: 'tunnel';
  readonly tellsFirstPacket: boolean;
  readonly policy: string;
  readonly peer: Peer;
  readonly spi: number;
  readonly selectors: SelectorMatcher;
  /** As in {@link OutboundSa}. */
  readonly flowId: number;
  readonly window: ReplayWindow;
  readonly state: SaState;
}

/** An inbound SA that another worker has. */
interface InboundElsewhere extends SaReference {
  readonly spi: number;
  readonly peer: Peer;
}

const NO_INDEX = -1;
const NO_SAS: readonly OutboundSa[] = [];

export class Associations {
  readonly #engine: Engine;
  readonly #devices: Devices;
  readonly #outbound: (OutboundSa | undefined)[] = [];
  readonly #inbound: (InboundSa | undefined)[] = [];
  readonly #peers: Peers;
  readonly #share: WorkerShare;
  readonly #withDummies = new Set<OutboundSa>();
  #spis = new SpiTable();
  readonly #elsewhere: (InboundElsewhere | undefined)[] = [];
  #spisElsewhere = new SpiTable();
  /** SAs of each policy, the newest last. */
  readonly #byPolicyName = new Map<string, OutboundSa[]>();
  #outboundByPolicy: (readonly OutboundSa[])[] = [];
  /** Of each policy, a number that is another after every change of its SAs; 32 bits. */
  #epochs = new Int32Array();
  #lastEpoch = 0;
  #policyIndexes = new Map<string, number>();
  #lastFlowId = 0;
  #lastSelected: Selectors | undefined;
  #lastMatcher = new SelectorMatcher(NO_SELECTORS);

  constructor(engine: Engine, devices: Devices, peers: Peers, share: WorkerShare = SOLE_WORKER) {
    this.#share = share;
    this.#engine = engine;
    this.#devices = devices;
    this.#peers = peers;
  }

  /** The SAs of a policy of the current snapshot, the newest last. */
  outboundOf(policyIndex: number): readonly OutboundSa[] {
    return this.#outboundByPolicy[policyIndex] ?? NO_SAS;
  }

  /** As long as it stays the same, a policy of the current snapshot has the same SAs with the same selectors. */
  epochOf(policyIndex: number): number {
    return this.#epochs[policyIndex]!;
  }

  outboundBySlot(slot: number): OutboundSa | undefined {
    return this.#outbound[slot];
  }

  /** @param spi signed or unsigned 32 bits */
  inboundBySpi(spi: number): InboundSa | undefined {
    const slot = this.#spis.find(spi);
    return slot === NO_SA ? undefined : this.#inbound[slot];
  }

  /** @returns the other worker that has the inbound SA; -1 where none has. @param spi signed or unsigned 32 bits */
  workerOfInbound(spi: number): number {
    return this.#spisElsewhere.find(spi) === NO_SA ? NO_INDEX : inboundWorker(spi, this.#share.count);
  }

  /** False: another worker sends by it, holds its lifetime, and is asked for its numbers. */
  sends({ worker }: Pick<OutboundSa, 'worker'>): boolean {
    return worker === this.#share.index;
  }

  inboundBySlot(slot: number): InboundSa | undefined {
    return this.#inbound[slot];
  }

  /** Outbound SAs of this worker that send dummy packets. */
  get withDummies(): Iterable<OutboundSa> {
    return this.#withDummies;
  }

  /** undefined where the SA is gone, whoever has its slot now. */
  outboundBy({ slot, id }: SaReference): OutboundSa | undefined {
    const sa = this.#outbound[slot];
    return sa?.id === id ? sa : undefined;
  }

  inboundBy({ slot, id }: SaReference): InboundSa | undefined {
    const sa = this.#inbound[slot];
    return sa?.id === id ? sa : undefined;
  }

  /** Links the SAs to the entries of a new snapshot; the slots change, no flow cache needs to. */
  usePolicies(policies: readonly SpdEntry[]): void {
    this.#policyIndexes = new Map(policies.map(({ name }, index) => [name, index]));
    this.#outboundByPolicy = policies.map(({ name }) => this.#byPolicyName.get(name) ?? NO_SAS);
    this.#epochs = Int32Array.from(policies, () => this.#nextEpoch());
  }

  /** Nothing happens where it is there already: a worker that took another one's place may be told twice. */
  installOutbound(sa: OutboundSecurityAssociation): void {
    if (this.outboundBy(sa) !== undefined) return;
    const worker = outboundWorker(sa.inboundSpi ?? sa.spi, this.#share.count);
    const isOwn = this.sends({ worker });
    // RFC 4303 §3.3.3, RFC 4106 §2: no other worker could seal with this key if it tried.
    if (isOwn) {
      this.#engine.installOutbound(sa.slot, sa);
      this.#engine.grantSequenceNumbers(sa.slot, sa.block.first, sa.block.end);
    }
    const installed: OutboundSa = {
      slot: sa.slot,
      id: sa.id,
      worker,
      transform: intern(sa.transform),
      tunnel: sa.tunnel,
      peer: this.#peers.hold(sa.peer),
      selectsPorts: selectsPorts(sa.selectors),
      endpoint: FIRST_SA_ENDPOINT + sa.slot,
      isOfIke: sa.isOfIke,
      policy: sa.policy,
      spi: sa.spi,
      ...this.#select(sa.selectors),
      counter: new SequenceCounter(sa.state, isOwn ? sa.block : undefined),
      state: sa.state,
      lastSentMs: 0,
    };
    this.#enter(installed);
    this.#meet(installed, sa.endpoint);
    this.#outbound[sa.slot] = installed;
    const others = this.#byPolicyName.get(sa.policy);
    if (others === undefined) this.#byPolicyName.set(sa.policy, [installed]);
    else others.push(installed);
    this.#link(sa.policy);
  }

  /** As {@link installOutbound}. */
  installInbound(sa: InboundSecurityAssociation): void {
    if (this.inboundBy(sa) !== undefined) return;
    if (inboundWorker(sa.spi, this.#share.count) !== this.#share.index) {
      this.#noteElsewhere(sa);
      return;
    }
    this.#engine.installInbound(sa.slot, sa);
    this.#inbound[sa.slot] = {
      slot: sa.slot,
      id: sa.id,
      transform: intern(sa.transform),
      esn: sa.esn,
      mode: sa.mode,
      tellsFirstPacket: sa.tellsFirstPacket,
      policy: sa.policy,
      peer: this.#peers.hold(sa.peer),
      spi: sa.spi,
      ...this.#select(sa.selectors),
      window: new ReplayWindow(sa.replayWindowPackets, sa.replayBitmap, sa.state),
      state: sa.state,
    };
    this.#spis.set(sa.spi, sa.slot);
  }

  updateOutbound(reference: SaReference, { limits, selectors, endpoint, tunnel }: SaUpdate): void {
    const sa = this.outboundBy(reference);
    if (sa === undefined) return;
    if (limits !== undefined && this.sends(sa)) writeLimits(sa.state, limits);
    if (endpoint !== undefined) this.#meet(sa, endpoint);
    if (selectors === undefined && tunnel === undefined) return;
    const selected = selectors && { ...this.#select(selectors), selectsPorts: selectsPorts(selectors) };
    this.#replaceOutbound(sa, { ...sa, ...selected, tunnel: tunnel ?? sa.tunnel });
  }

  updateInbound(reference: SaReference, { limits, selectors }: SaUpdate): void {
    const sa = this.inboundBy(reference);
    if (sa === undefined) return;
    if (limits !== undefined) writeLimits(sa.state, limits);
    if (selectors !== undefined) this.#inbound[sa.slot] = { ...sa, ...this.#select(selectors) };
  }

  /** Frees and zeroes the cipher context; packets of the policy leave by the next newest SA that may carry them. */
  removeOutbound(reference: SaReference): void {
    const sa = this.outboundBy(reference);
    if (sa === undefined) return;
    if (this.sends(sa)) this.#engine.remove(sa.slot);
    this.#leave(sa);
    sa.peer.endpoints.delete(sa.endpoint);
    // Its next SAs say where it is then.
    if (sa.isOfIke && sa.peer.endpoints.size === 0) sa.peer.forgetPlace();
    this.#peers.release(sa.peer);
    this.#outbound[sa.slot] = undefined;
    const left = this.#byPolicyName.get(sa.policy)?.filter((other) => other !== sa) ?? [];
    if (left.length === 0) this.#byPolicyName.delete(sa.policy);
    else this.#byPolicyName.set(sa.policy, left);
    this.#link(sa.policy);
  }

  removeInbound(reference: SaReference): void {
    const sa = this.inboundBy(reference);
    if (sa === undefined) {
      this.#forgetElsewhere(reference);
      return;
    }
    this.#engine.remove(sa.slot);
    this.#peers.release(sa.peer);
    this.#inbound[sa.slot] = undefined;
    // An SA that took the SPI over keeps it.
    if (this.#spis.find(sa.spi) === sa.slot) this.#spis.delete(sa.spi);
  }

  /** Frees and zeroes the cipher context of every SA. */
  removeAll(): void {
    for (const sa of this.#outbound) if (sa !== undefined && this.sends(sa)) this.#engine.remove(sa.slot);
    for (const sa of this.#inbound) if (sa !== undefined) this.#engine.remove(sa.slot);
    this.#outbound.length = 0;
    this.#inbound.length = 0;
    this.#byPolicyName.clear();
    this.#withDummies.clear();
    this.#peers.clear();
    this.#spis = new SpiTable();
    this.#elsewhere.length = 0;
    this.#spisElsewhere = new SpiTable();
    this.usePolicies([]);
  }

  /** Where an inbound SA is that another worker has: packets of it may come here, and nobody else's are handed over. */
  #noteElsewhere({ slot, id, spi, peer }: InboundSecurityAssociation): void {
    if (this.#elsewhere[slot]?.id === id) return;
    this.#elsewhere[slot] = { slot, id, spi, peer: this.#peers.hold(peer) };
    this.#spisElsewhere.set(spi, slot);
  }

  #forgetElsewhere({ slot, id }: SaReference): void {
    const sa = this.#elsewhere[slot];
    if (sa?.id !== id) return;
    this.#peers.release(sa.peer);
    this.#elsewhere[slot] = undefined;
    // As of an own one.
    if (this.#spisElsewhere.find(sa.spi) === slot) this.#spisElsewhere.delete(sa.spi);
  }

  /** The two SAs of a pair come in one message and share their selectors. */
  #select(selectors: Selectors): Pick<InboundSa, 'selectors' | 'flowId'> {
    this.#lastFlowId = (this.#lastFlowId + 1) | 0;
    if (this.#lastSelected !== selectors) this.#lastMatcher = new SelectorMatcher(selectors);
    this.#lastSelected = selectors;
    return { selectors: this.#lastMatcher, flowId: this.#lastFlowId };
  }

  #enter(sa: OutboundSa): void {
    this.#peers.attach(sa);
    if (sa.tunnel.dummyPacketsPerSecond > 0 && this.sends(sa)) this.#withDummies.add(sa);
  }

  #leave(sa: OutboundSa): void {
    this.#peers.detach(sa);
    this.#withDummies.delete(sa);
  }

  /**
   * Where a peer was last seen counts more than where the administrator expects it. IKE knows better: it says where the
   * peer is now, and only packets that come after that move it.
   */
  #meet({ peer, endpoint, isOfIke }: OutboundSa, expected: Endpoint | undefined): void {
    peer.endpoints.add(endpoint);
    const isSeen = peer.isReachable && peer.followAddress && !isOfIke;
    if (expected === undefined || isSeen || peer.isAtEndpoint(expected))
      peer.connect(this.#devices, endpoint);
    else this.#move(peer, expected);
  }

  /** All SAs of a peer send to one place. */
  #move(peer: Peer, { socket, address, port }: Endpoint): void {
    peer.moveTo(this.#devices, socket, address, 0, address.length, port);
  }

  #replaceOutbound(sa: OutboundSa, by: OutboundSa): void {
    this.#leave(sa);
    this.#enter(by);
    this.#outbound[sa.slot] = by;
    const all = this.#byPolicyName.get(sa.policy);
    all?.splice(all.indexOf(sa), 1, by);
    this.#link(sa.policy);
  }

  #link(policy: string): void {
    const index = this.#policyIndexes.get(policy) ?? NO_INDEX;
    if (index === NO_INDEX) return;
    this.#outboundByPolicy[index] = this.#byPolicyName.get(policy) ?? NO_SAS;
    this.#epochs[index] = this.#nextEpoch();
  }

  #nextEpoch(): number {
    this.#lastEpoch = (this.#lastEpoch + 1) | 0;
    return this.#lastEpoch;
  }
}

/** Every SA comes with a copy of its transform; one of each is enough. */
function intern(transform: EspTransform): EspTransform {
  return findEspTransform(transform.name) ?? transform;
}

function selectsPorts({ localPort, remotePort, icmp }: Selectors): boolean {
  return localPort !== undefined || remotePort !== undefined || icmp !== undefined;
}
