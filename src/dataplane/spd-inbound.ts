// SPD-I (RFC 4301 §4.4.1, §5.2 step 4): whether a decrypted packet is what its SA and the policy allow. Three ways
// to the answer, from cheap to dear: the packet continues the flow of the packet before, the flow is in the cache,
// or the ordered SPD is asked, once per flow, SA and generation. Fragments (RFC 4301 §7) and
// ICMP errors (§6.2) need more than their selectors.

import { FlowCache, UNKNOWN_FLOW } from '../spd/flow-cache.ts';
import {
  continuesFlow,
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
import type { InboundSa } from './associations.ts';
import { Drop } from './drop-reasons.ts';

const FLOW_CACHE_ENTRIES = 1 << 15;
const NO_PACKET = -1;

/** Verdicts; a negative one is a DropReason negated. */
const ACCEPT = 0;
/** A policy with action BYPASS would have let it pass in clear; it is accepted, and counted apart. */
export const ACCEPT_BYPASS = 1;

/** What is asked of the SA that a packet came by. */
export type CarryingSa = Pick<InboundSa, 'slot' | 'flowId' | 'selectors' | 'policy' | 'transform' | 'esn'> & {
  readonly peer: Pick<InboundSa['peer'], 'entry'>;
};

export class SpdInbound {
  readonly #cache: FlowCache;
  /** The policy of each entry of the cache. */
  readonly #policies = new Int32Array(FLOW_CACHE_ENTRIES);
  readonly #first = { slot: 0, flowId: 0 };
  readonly #fragments: FragmentVerdicts;
  readonly #flow: Flow = createFlow();
  readonly #enclosed: Flow = createFlow();
  readonly #clock: Float64Array;
  #snapshot: SpdSnapshot;
  /** Offset of the packet whose flow {@link #flow} is, and what was said of it. */
  #before = NO_PACKET;
  #verdict = ACCEPT;
  /** The policy that {@link #decide} came to; {@link NO_POLICY} where it did not come so far. */
  #policy = NO_POLICY;

  /** @param clock cell 0 holds monotonic milliseconds */
  constructor(snapshot: SpdSnapshot, flowSeed: number, clock: Float64Array) {
    this.#snapshot = snapshot;
    this.#clock = clock;
    this.#cache = new FlowCache(FLOW_CACHE_ENTRIES, flowSeed);
    this.#fragments = new FragmentVerdicts(flowSeed);
  }

  useSnapshot(snapshot: SpdSnapshot): void {
    this.#snapshot = snapshot;
    this.#before = NO_PACKET;
  }

  /** The bytes that were judged before are no longer there: call it before each batch. */
  startBatch(): void {
    this.#before = NO_PACKET;
  }

  /** Of the packet judged last, where it was no packet of a known flow; undefined where it met none. */
  get policy(): SpdEntry | undefined {
    return this.#snapshot.policies[this.#policy];
  }

  /** The packet judged last met a policy with BYPASS or DISCARD. @param bytes of the packet */
  countHit(bytes: number): void {
    this.#snapshot.countHit(this.#policy, HitField.packetsIn, bytes);
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

  /**
   * @param offset of the inner packet; its bytes stay as they are until the batch ends, but for ECN and MSS
   * @returns a verdict
   */
  judge(sa: CarryingSa, bytes: Uint8Array, offset: number, length: number): number {
    if (
      this.#before !== NO_PACKET &&
      this.#flow[FlowWord.saFlowId] === sa.flowId &&
      continuesFlow(bytes, this.#before, offset, length)
    )
      return this.#verdict;
    this.#before = NO_PACKET;
    if (!readFlow(this.#flow, bytes, offset, length, false)) return -Drop.inboundMalformed;
    this.#flow[FlowWord.saFlowId] = sa.flowId;
    this.#verdict = this.#judgeFlow(sa, bytes, offset, length);
    this.#before = offset;
    return this.#verdict;
  }

  #judgeFlow(sa: CarryingSa, bytes: Uint8Array, offset: number, length: number): number {
    switch (this.#flow[FlowWord.special]) {
      case Special.none:
        return this.#lookup(sa);
      case Special.firstFragment:
        return this.#judgeFirstFragment(sa);
      case Special.laterFragment:
        return this.#judgeLaterFragment(sa);
      case Special.icmpError:
        return this.#judgeIcmpError(sa, bytes, offset, length);
      default:
        return -Drop.inboundHidingFragment;
    }
  }

  #lookup(sa: CarryingSa): number {
    const generation = this.#snapshot.generation;
    const known = this.#cache.find(this.#flow, generation);
    if (known !== UNKNOWN_FLOW) {
      this.#policy = this.#policies[this.#cache.entry]!;
      return known;
    }
    const verdict = this.#decide(sa, this.#flow);
    this.#cache.store(this.#flow, generation, verdict);
    this.#policies[this.#cache.entry] = this.#policy;
    return verdict;
  }

  #judgeFirstFragment(sa: CarryingSa): number {
    const verdict = this.#lookup(sa);
    if (verdict < 0) return verdict;
    // The flow names the SA; in its place there is the policy.
    this.#first.slot = this.#policy;
    this.#fragments.store(this.#flow, this.#snapshot.generation, verdict, this.#first, this.#clock[0]!);
    return verdict;
  }

  /** RFC 4301 §7.1, §7.2, §7.3: a policy that needs no ports, or what the first fragment met. */
  #judgeLaterFragment(sa: CarryingSa): number {
    const verdict = this.#lookup(sa);
    if (verdict !== -Drop.inboundFragmentPorts) return verdict;
    // The flow names the SA, so a first fragment that came by another one is not found.
    const known = this.#fragments.find(this.#flow, this.#snapshot.generation, this.#clock[0]!);
    if (known === UNKNOWN_FLOW) return verdict;
    this.#policy = this.#fragments.saSlot;
    return known;
  }

  /** RFC 4301 §6.2: an error that no policy names must be about packets that its own SA carries. */
  #judgeIcmpError(sa: CarryingSa, bytes: Uint8Array, offset: number, length: number): number {
    const own = this.#decide(sa, this.#flow);
    if (this.#snapshot.icmpErrors === 'selectors') return own;
    if (own === -Drop.inboundDiscard || own === -Drop.inboundMulticast) return own;
    if (own >= 0 && this.#snapshot.namesProtocol(this.#policy)) return own;
    const start = this.transportOffset + ICMP_ENCLOSED_PACKET;
    const enclosed = this.#enclosed;
    // What met the error went the other way.
    const isReadable =
      start < length && readEnclosedFlow(enclosed, bytes, offset + start, length - start, true);
    if (!isReadable) return -Drop.inboundIcmpErrorCut;
    const verdict = this.#decide(sa, enclosed);
    if (verdict === -Drop.inboundFragmentPorts) return -Drop.inboundIcmpErrorCut;
    return verdict === ACCEPT ? ACCEPT : -Drop.inboundIcmpError;
  }

  #decide(sa: CarryingSa, flow: Flow): number {
    this.#policy = NO_POLICY;
    // RFC 4301 §5.2 step 4: first the selectors of the SA itself …
    const match = sa.selectors.match(flow);
    if (match === Match.unknownPorts) return -Drop.inboundFragmentPorts;
    if (match === Match.no) return isMulticast(flow) ? -Drop.inboundMulticast : -Drop.inboundOutsideSelectors;
    // … then the policy that the packet meets.
    let index = this.#snapshot.lookup(flow);
    // RFC 4301 §4.4.1.1: an entry with a name is for the peers that have SAs of it.
    while (index >= 0 && this.#snapshot.isNamed(index) && this.#snapshot.policies[index]!.name !== sa.policy)
      index = this.#snapshot.lookup(flow, index);
    if (index === NO_POLICY) return isMulticast(flow) ? -Drop.inboundMulticast : -Drop.inboundNoPolicy;
    if (index === PORTS_NEEDED) return -Drop.inboundFragmentPorts;
    this.#policy = index;
    const policy = this.#snapshot.policies[index]!;
    switch (policy.action) {
      case 'DISCARD':
        return -Drop.inboundDiscard;
      case 'BYPASS':
        return ACCEPT_BYPASS;
      case 'PROTECT':
        return meetsSpecification(sa, policy) ? ACCEPT : -Drop.inboundWrongSa;
    }
  }
}

/** RFC 4301 §5.2: the SA must be of the kind that the policy asks for. Tunnel is the only mode, by type. */
function meetsSpecification(sa: CarryingSa, policy: SpdEntry): boolean {
  const wanted = policy.sa;
  if (wanted === undefined || wanted.peer !== sa.peer.entry) return false;
  const { choices } = wanted;
  if (choices === undefined) return wanted.transform === sa.transform.name && wanted.esn === sa.esn;
  for (let i = 0; i < choices.length; i++) {
    const choice = choices[i]!;
    if (choice.transform === sa.transform.name && choice.esn === sa.esn) return true;
  }
  return false;
}

function isMulticast(flow: Flow): boolean {
  return isMulticastWord(flow, FlowWord.localAddress, (flow[FlowWord.protocol]! >>> 8) & 0xff);
}
