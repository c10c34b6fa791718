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
import { NO_POLICY, PORTS_NEEDED, type SpdSnapshot } from '../spd/snapshot.ts';
import { ICMP_ENCLOSED_PACKET } from '../wire/icmp-error.ts';
import type { Associations } from './associations.ts';
import { Drop } from './drop-reasons.ts';

const FLOW_CACHE_ENTRIES = 1 << 15;
/** The verdict of a BYPASS policy; below every DropReason negated. */
export const BYPASS: number = -(1 << 16);

const NO_SA = -Drop.outboundNoSa;

export class SpdOutbound {
  readonly #cache: FlowCache;
  /** For each entry of the cache, the SA whose selectors let the flow through. */
  readonly #saFlowIds = new Int32Array(FLOW_CACHE_ENTRIES);
  readonly #fragments: FragmentVerdicts;
  readonly #flow: Flow = createFlow();
  readonly #enclosed: Flow = createFlow();
  readonly #associations: Associations;
  readonly #clock: Float64Array;
  #snapshot: SpdSnapshot;
  /** The policy that {@link #decide} came to; {@link NO_POLICY} where there is none. */
  #policy = NO_POLICY;

  /** @param clock cell 0 holds monotonic milliseconds */
  constructor(snapshot: SpdSnapshot, associations: Associations, flowSeed: number, clock: Float64Array) {
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

  /** @returns the index of a PROTECT policy whose SA may carry the packet, {@link BYPASS}, or a DropReason negated */
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
    // RFC 4301 §4.4.2: an SA that came since then may be narrower than the one that the flow was checked against.
    if (known !== UNKNOWN_FLOW && (known < 0 || this.#isSameSa(known, this.#saFlowIds[this.#cache.entry]!)))
      return known;
    const verdict = this.#decide(this.#flow);
    // Not remembered where it hangs on the SA that is there now, or on there being none.
    const isLasting = verdict >= 0 || this.#policy === NO_POLICY || !this.#isProtected();
    if (isLasting) {
      this.#cache.store(this.#flow, generation, verdict);
      this.#saFlowIds[this.#cache.entry] = this.#saFlowIdOf(verdict);
    }
    return verdict;
  }

  #isProtected(): boolean {
    return this.#snapshot.policies[this.#policy]!.action === 'PROTECT';
  }

  #isSameSa(policy: number, saFlowId: number): boolean {
    return this.#associations.outboundOf(policy)?.flowId === saFlowId;
  }

  #saFlowIdOf(verdict: number): number {
    const sa = verdict < 0 ? undefined : this.#associations.outboundOf(verdict);
    return sa === undefined ? 0 : sa.flowId;
  }

  #judgeFirstFragment(): number {
    const verdict = this.#lookup();
    if (verdict >= 0 || verdict === BYPASS) {
      const saFlowId = this.#saFlowIdOf(verdict);
      this.#fragments.store(this.#flow, this.#snapshot.generation, verdict, saFlowId, this.#clock[0]!);
    }
    return verdict;
  }

  /** RFC 4301 §7.1, §7.2, §7.3: a policy that needs no ports, or what the first fragment met. */
  #judgeLaterFragment(): number {
    const verdict = this.#lookup();
    if (verdict !== -Drop.outboundFragmentPorts) return verdict;
    const known = this.#fragments.find(this.#flow, this.#snapshot.generation, this.#clock[0]!);
    if (known === UNKNOWN_FLOW) return verdict;
    return known === BYPASS || this.#isSameSa(known, this.#fragments.saFlowId) ? known : verdict;
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
    return verdict >= 0 || verdict === BYPASS || verdict === NO_SA ? verdict : -Drop.outboundIcmpError;
  }

  #decide(flow: Flow): number {
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
        const sa = this.#associations.outboundOf(index);
        if (sa === undefined) return NO_SA;
        const match = sa.selectors.match(flow);
        if (match === Match.unknownPorts) return -Drop.outboundFragmentPorts;
        return match === Match.yes ? index : -Drop.outboundOutsideSelectors;
      }
    }
  }
}
