// SPD-O (RFC 4301 §4.4.1, §5.1 step 2): which policy an outbound packet meets. The flow cache answers; the ordered
// SPD is asked once per flow, generation and SA. Fragments (RFC 4301 §7) and ICMP errors (§6.2) need more than their
// selectors.

import { FlowCache, UNKNOWN_FLOW } from '../spd/flow-cache.ts';
import {
  createFlow,
  FlowWord,
  PORTS_UNKNOWN,
  readEnclosedFlow,
  readFlow,
  Special,
  type Flow,
} from '../spd/flow.ts';
import { FragmentVerdicts } from '../spd/fragment-verdicts.ts';
import { isMulticastWord } from '../spd/multicast.ts';
import { Match } from '../spd/selector-match.ts';
import { HitField } from '../spd/policy-hits.ts';
import { NO_POLICY, PORTS_NEEDED, type SpdEntry, type SpdSnapshot } from '../spd/snapshot.ts';
import { ICMP_ENCLOSED_PACKET } from '../wire/icmp-error.ts';
import type { OutboundSa } from './associations.ts';
import { Drop } from './drop-reasons.ts';

const FLOW_CACHE_ENTRIES = 1 << 15;
/** The verdict of a BYPASS policy; below every DropReason negated. */
export const BYPASS: number = -(1 << 16);
/** The verdict of a policy that IKE keys and that has no SA for the packet. */
export const ACQUIRE: number = BYPASS - 1;

const NO_SA = -Drop.outboundNoSa;
const NO_SLOT = -1;

/** What the SPD asks of an SA. */
export type SelectingSa = Pick<OutboundSa, 'slot' | 'flowId' | 'selectors'>;

/** Where it finds them: for packets, in Associations. */
export interface SasOfPolicies<Sa> {
  outboundOf(policyIndex: number): readonly Sa[];
  epochOf(policyIndex: number): number;
  outboundBySlot(slot: number): Sa | undefined;
}

export class SpdOutbound<Sa extends SelectingSa = OutboundSa> {
  readonly #cache: FlowCache;
  /**
   * For each entry of the cache, the slot of the SA that carries the flow, and the epoch of its policy then; the policy
   * instead where no SA may carry it.
   */
  readonly #saSlots = new Int32Array(FLOW_CACHE_ENTRIES);
  readonly #epochs = new Int32Array(FLOW_CACHE_ENTRIES);
  readonly #fragments: FragmentVerdicts;
  readonly #first = { slot: 0, flowId: 0 };
  readonly #flow: Flow = createFlow();
  readonly #enclosed: Flow = createFlow();
  readonly #associations: SasOfPolicies<Sa>;
  readonly #clock: Float64Array;
  #snapshot: SpdSnapshot;
  /** The policy that {@link #decide} came to; {@link NO_POLICY} where there is none. */
  #policy = NO_POLICY;
  #sa: Sa | undefined;
  /** What {@link #decide} was asked last. */
  #asked: Flow = this.#flow;

  /** @param clock cell 0 holds monotonic milliseconds */
  constructor(snapshot: SpdSnapshot, associations: SasOfPolicies<Sa>, flowSeed: number, clock: Float64Array) {
    this.#snapshot = snapshot;
    this.#associations = associations;
    this.#clock = clock;
    this.#cache = new FlowCache(FLOW_CACHE_ENTRIES, flowSeed);
    this.#fragments = new FragmentVerdicts(flowSeed);
  }

  useSnapshot(snapshot: SpdSnapshot): void {
    this.#snapshot = snapshot;
  }

  /** 4 or 6, of the packet judged last. */
  get family(): number {
    return (this.#flow[FlowWord.protocol]! >>> 8) & 0xff;
  }

  /** Next layer protocol with {@link PORTS_UNKNOWN}, of the packet judged last. */
  get protocol(): number {
    return this.#flow[FlowWord.protocol]! & (PORTS_UNKNOWN | 0xff);
  }

  /** Bytes from the start of the packet judged last to its next layer header. */
  get transportOffset(): number {
    return this.#flow[FlowWord.transportOffset]!;
  }

  /** The packet judged last is a part of one. */
  get isFragment(): boolean {
    const special = this.#flow[FlowWord.special];
    return special === Special.firstFragment || special === Special.laterFragment;
  }

  /** The newest SA that may carry the packet judged last, where a policy was the verdict. */
  get sa(): Sa | undefined {
    return this.#sa;
  }

  /** Of the packet judged last, where it was no packet of a known flow; undefined where it met none. */
  get policy(): SpdEntry | undefined {
    return this.#snapshot.policies[this.#policy];
  }

  /** As {@link policy}, of any packet: it is looked for. @param verdict that {@link judge} gave */
  findPolicy(verdict: number): SpdEntry | undefined {
    if (verdict === ACQUIRE) return this.acquiringPolicy;
    // Of these no flow was read.
    if (verdict === -Drop.outboundMalformed || verdict === -Drop.outboundHidingFragment) return undefined;
    const isError = this.#flow[FlowWord.special] === Special.icmpError;
    return this.#snapshot.policies[this.#snapshot.lookup(isError ? this.#asked : this.#flow)];
  }

  /** The packet judged last met a policy with BYPASS or DISCARD, and goes its way. @param bytes of the packet */
  countHit(bytes: number): void {
    this.#snapshot.countHit(this.#policy, HitField.packetsOut, bytes);
  }

  /** Where the verdict was {@link ACQUIRE}: the policy that needs an SA, and the flow that it needs one for. */
  get acquiringPolicy(): SpdEntry {
    return this.#snapshot.policies[this.#policy]!;
  }

  get acquiringFlow(): Flow {
    return this.#asked;
  }

  /**
   * @returns the index of a PROTECT policy that has an {@link sa} for the packet, {@link BYPASS}, {@link ACQUIRE}, or a
   * DropReason negated
   */
  judge(bytes: Uint8Array, offset: number, length: number): number {
    const flow = this.#flow;
    if (!readFlow(flow, bytes, offset, length, true)) return -Drop.outboundMalformed;
    switch (flow[FlowWord.special]) {
      case Special.none:
        return this.#lookup();
      case Special.firstFragment:
        return this.#judgeFirstFragment();
      case Special.laterFragment:
        return this.#judgeLaterFragment();
      case Special.icmpError:
        return this.#judgeIcmpError(bytes, offset, length);
      default:
        return -Drop.outboundHidingFragment;
    }
  }

  #lookup(): number {
    const generation = this.#snapshot.generation;
    const known = this.#cache.find(this.#flow, generation);
    if (known !== UNKNOWN_FLOW) {
      const { entry } = this.#cache;
      if (known < 0) {
        this.#policy = this.#saSlots[entry]!;
        return known;
      }
      // RFC 4301 §4.4.2: an SA that came since then may be the one that carries the flow now.
      if (this.#epochs[entry] === this.#associations.epochOf(known)) {
        this.#sa = this.#associations.outboundBySlot(this.#saSlots[entry]!);
        return known;
      }
    }
    const verdict = this.#decide(this.#flow);
    // Not remembered where it hangs on the SA that is there now, or on there being none.
    const isLasting = verdict >= 0 || this.#policy === NO_POLICY || !this.#isProtected();
    if (isLasting) {
      this.#cache.store(this.#flow, generation, verdict);
      if (verdict >= 0) this.#rememberSa(verdict);
      else this.#saSlots[this.#cache.entry] = this.#policy;
    }
    return verdict;
  }

  #isProtected(): boolean {
    return this.#snapshot.policies[this.#policy]!.action === 'PROTECT';
  }

  #rememberSa(policy: number): void {
    const { entry } = this.#cache;
    this.#epochs[entry] = this.#associations.epochOf(policy);
    this.#saSlots[entry] = this.#sa?.slot ?? NO_SLOT;
  }

  #judgeFirstFragment(): number {
    const verdict = this.#lookup();
    const nowMs = this.#clock[0]!;
    const { generation } = this.#snapshot;
    if (verdict >= 0) this.#fragments.store(this.#flow, generation, verdict, this.#sa, nowMs);
    else if (verdict === BYPASS || verdict === ACQUIRE) {
      // The later ones go with it, or wait with it. Where a flow's SA would stand there is its policy.
      this.#first.slot = this.#policy;
      this.#fragments.store(this.#flow, generation, verdict, this.#first, nowMs);
    }
    return verdict;
  }

  /** RFC 4301 §7.1, §7.2, §7.3: a policy that needs no ports, or what the first fragment met. */
  #judgeLaterFragment(): number {
    const verdict = this.#lookup();
    if (verdict !== -Drop.outboundFragmentPorts) return verdict;
    const known = this.#fragments.find(this.#flow, this.#snapshot.generation, this.#clock[0]!);
    if (known === UNKNOWN_FLOW) return verdict;
    if (known === BYPASS || known === ACQUIRE) {
      this.#policy = this.#fragments.saSlot;
      this.#asked = this.#flow;
      return known;
    }
    // The SA of the first fragment, as long as it is there and has the same selectors.
    this.#sa = this.#associations.outboundBySlot(this.#fragments.saSlot);
    return this.#sa?.flowId === this.#fragments.saFlowId ? known : verdict;
  }

  /** RFC 4301 §6.2: an error that no policy names goes the way of the packets that it is about. */
  #judgeIcmpError(bytes: Uint8Array, offset: number, length: number): number {
    const own = this.#decide(this.#flow);
    if (this.#snapshot.icmpErrors === 'selectors' || own === -Drop.outboundDiscard) return own;
    if (own === -Drop.outboundMulticast) return own;
    if (this.#policy !== NO_POLICY && this.#snapshot.namesProtocol(this.#policy)) return own;
    const start = this.transportOffset + ICMP_ENCLOSED_PACKET;
    // What met the error came the other way.
    const isReadable =
      start < length && readEnclosedFlow(this.#enclosed, bytes, offset + start, length - start, false);
    if (!isReadable) return -Drop.outboundIcmpErrorCut;
    const verdict = this.#decide(this.#enclosed);
    if (verdict === -Drop.outboundFragmentPorts) return -Drop.outboundIcmpErrorCut;
    const isTheirs = verdict >= 0 || verdict === BYPASS || verdict === NO_SA || verdict === ACQUIRE;
    return isTheirs ? verdict : -Drop.outboundIcmpError;
  }

  #decide(flow: Flow): number {
    this.#asked = flow;
    const index = this.#snapshot.lookup(flow);
    this.#policy = index < 0 ? NO_POLICY : index;
    if (index === NO_POLICY) {
      const family = (flow[FlowWord.protocol]! >>> 8) & 0xff;
      return isMulticastWord(flow, FlowWord.remoteAddress, family)
        ? -Drop.outboundMulticast
        : -Drop.outboundNoPolicy;
    }
    if (index === PORTS_NEEDED) return -Drop.outboundFragmentPorts;
    switch (this.#snapshot.policies[index]!.action) {
      case 'DISCARD':
        return -Drop.outboundDiscard;
      case 'BYPASS':
        return BYPASS;
      case 'PROTECT': {
        const verdict = this.#chooseSa(index, flow);
        const isOther = verdict < 0 && this.#snapshot.isNamed(index);
        return isOther ? this.#tryOtherNames(index, flow, verdict) : verdict;
      }
    }
  }

  /**
   * RFC 4301 §4.4.1.1: a name stands for the addresses of its SAs. So of entries with names that follow each other the
   * packet meets the one that has an SA for it. A cache may keep that: no two peers have one address.
   */
  #tryOtherNames(index: number, flow: Flow, verdict: number): number {
    let next = this.#snapshot.lookup(flow, index);
    while (next >= 0 && this.#snapshot.isNamed(next)) {
      const other = this.#chooseSa(next, flow);
      if (other >= 0) {
        this.#policy = next;
        return other;
      }
      next = this.#snapshot.lookup(flow, next);
    }
    return verdict;
  }

  /** The newest SA of the policy that may carry the flow. */
  #chooseSa(index: number, flow: Flow): number {
    const sas = this.#associations.outboundOf(index);
    let needsPorts = false;
    for (let i = sas.length - 1; i >= 0; i--) {
      const sa = sas[i]!;
      const match = sa.selectors.match(flow);
      if (match === Match.yes) {
        this.#sa = sa;
        return index;
      }
      if (match === Match.unknownPorts) needsPorts = true;
    }
    if (needsPorts) return -Drop.outboundFragmentPorts;
    if (this.#snapshot.policies[index]!.sa?.keying === 'ike') return ACQUIRE;
    return sas.length === 0 ? NO_SA : -Drop.outboundOutsideSelectors;
  }
}
