// SPD-O (RFC 4301 §4.4.1, §5.1 step 2): which policy an outbound packet meets. The flow cache answers; the ordered
// SPD is asked once per flow and generation.

import { FlowCache, UNKNOWN_FLOW } from '../spd/flow-cache.ts';
import { createFlow, FlowWord, PORTS_UNKNOWN, readFlow, type Flow } from '../spd/flow.ts';
import { Match } from '../spd/selector-match.ts';
import { NO_POLICY, PORTS_NEEDED, type SpdSnapshot } from '../spd/snapshot.ts';
import type { Associations } from './associations.ts';
import { Drop } from './drop-reasons.ts';

const FLOW_CACHE_ENTRIES = 1 << 15;
/** The verdict of a BYPASS policy; below every DropReason negated. */
export const BYPASS: number = -(1 << 16);

export class SpdOutbound {
  readonly #cache: FlowCache;
  readonly #flow: Flow = createFlow();
  readonly #associations: Associations;
  #snapshot: SpdSnapshot;

  constructor(snapshot: SpdSnapshot, associations: Associations, flowSeed: number) {
    this.#snapshot = snapshot;
    this.#associations = associations;
    this.#cache = new FlowCache(FLOW_CACHE_ENTRIES, flowSeed);
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
    if (!readFlow(this.#flow, bytes, offset, length, true)) return -Drop.outboundMalformed;
    const generation = this.#snapshot.generation;
    const known = this.#cache.find(this.#flow, generation);
    if (known !== UNKNOWN_FLOW) return known;
    const verdict = this.#decide();
    // Not remembered without an SA: the one that comes may be narrower than the policy.
    if (verdict !== -Drop.outboundNoSa) this.#cache.store(this.#flow, generation, verdict);
    return verdict;
  }

  #decide(): number {
    const index = this.#snapshot.lookup(this.#flow);
    if (index === NO_POLICY) return -Drop.outboundNoPolicy;
    if (index === PORTS_NEEDED) return -Drop.outboundFragmentPorts;
    switch (this.#snapshot.policies[index]!.action) {
      case 'DISCARD':
        return -Drop.outboundDiscard;
      case 'BYPASS':
        return BYPASS;
      case 'PROTECT': {
        const sa = this.#associations.outboundOf(index);
        if (sa === undefined) return -Drop.outboundNoSa;
        const match = sa.selectors.match(this.#flow);
        if (match === Match.unknownPorts) return -Drop.outboundFragmentPorts;
        return match === Match.yes ? index : -Drop.outboundOutsideSelectors;
      }
    }
  }
}
