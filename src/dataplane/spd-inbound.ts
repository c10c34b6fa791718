// SPD-I (RFC 4301 §4.4.1, §5.2 step 4): whether a decrypted packet is what its SA and the policy allow. Three ways
// to the answer, from cheap to dear: the packet continues the flow of the packet before, the flow is in the cache,
// or the ordered SPD is asked, once per flow, SA and generation.

import { FlowCache, UNKNOWN_FLOW } from '../spd/flow-cache.ts';
import { continuesFlow, createFlow, FlowWord, PORTS_UNKNOWN, readFlow, type Flow } from '../spd/flow.ts';
import type { Policy } from '../spd/policy.ts';
import { Match } from '../spd/selector-match.ts';
import { NO_POLICY, PORTS_NEEDED, type SpdSnapshot } from '../spd/snapshot.ts';
import type { InboundSa } from './associations.ts';
import { Drop } from './drop-reasons.ts';

const FLOW_CACHE_ENTRIES = 1 << 15;
const NO_PACKET = -1;

/** Verdicts; a negative one is a DropReason negated. */
const ACCEPT = 0;
/** A policy with action BYPASS would have let it pass in clear; it is accepted, and counted apart. */
export const ACCEPT_BYPASS = 1;

export class SpdInbound {
  readonly #cache: FlowCache;
  readonly #flow: Flow = createFlow();
  #snapshot: SpdSnapshot;
  /** Offset of the packet whose flow {@link #flow} is, and what was said of it. */
  #before = NO_PACKET;
  #verdict = ACCEPT;

  constructor(snapshot: SpdSnapshot, flowSeed: number) {
    this.#snapshot = snapshot;
    this.#cache = new FlowCache(FLOW_CACHE_ENTRIES, flowSeed);
  }

  useSnapshot(snapshot: SpdSnapshot): void {
    this.#snapshot = snapshot;
    this.#before = NO_PACKET;
  }

  /** The bytes that were judged before are no longer there: call it before each batch. */
  startBatch(): void {
    this.#before = NO_PACKET;
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
  judge(sa: InboundSa, bytes: Uint8Array, offset: number, length: number): number {
    if (
      this.#before !== NO_PACKET &&
      this.#flow[FlowWord.saFlowId] === sa.flowId &&
      continuesFlow(bytes, this.#before, offset, length)
    )
      return this.#verdict;
    this.#before = NO_PACKET;
    if (!readFlow(this.#flow, bytes, offset, length, false)) return -Drop.inboundMalformed;
    this.#flow[FlowWord.saFlowId] = sa.flowId;
    this.#verdict = this.#lookup(sa);
    this.#before = offset;
    return this.#verdict;
  }

  #lookup(sa: InboundSa): number {
    const generation = this.#snapshot.generation;
    const known = this.#cache.find(this.#flow, generation);
    if (known !== UNKNOWN_FLOW) return known;
    const verdict = this.#decide(sa);
    this.#cache.store(this.#flow, generation, verdict);
    return verdict;
  }

  #decide(sa: InboundSa): number {
    // RFC 4301 §5.2 step 4: first the selectors of the SA itself …
    const match = sa.selectors.match(this.#flow);
    if (match === Match.unknownPorts) return -Drop.inboundFragmentPorts;
    if (match === Match.no) return -Drop.inboundOutsideSelectors;
    // … then the policy that the packet meets.
    const index = this.#snapshot.lookup(this.#flow);
    if (index === NO_POLICY) return -Drop.inboundNoPolicy;
    if (index === PORTS_NEEDED) return -Drop.inboundFragmentPorts;
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
function meetsSpecification(sa: InboundSa, policy: Policy): boolean {
  const wanted = policy.sa;
  return (
    wanted !== undefined &&
    wanted.peer === sa.peer.name &&
    wanted.transform === sa.transform.name &&
    wanted.esn === sa.esn
  );
}
