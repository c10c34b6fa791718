// Stateful fragment checking, RFC 4301 §7.3: what was decided for a first fragment, for the later ones of its
// packet, which show no ports. Bounded in memory, where old entries are overwritten in turn, and in time. A later
// fragment that comes before its first is not held: it finds nothing here.

import { FlowCache, UNKNOWN_FLOW } from './flow-cache.ts';
import { createFlow, FLOW_KEY_WORDS, FlowWord, PORTS_UNKNOWN, type Flow } from './flow.ts';

/** Two gateways at 64 KiB each: more than a host reassembles at once. */
const ENTRIES = 1 << 12;
/** RFC 791 §3.2 starts with 15 s, RFC 8200 §4.5 has 60; what the network keeps longer is lost anyway. */
const LIFETIME_MS = 30_000;

/** What is kept of an SA. */
export interface FragmentSa {
  readonly slot: number;
  readonly flowId: number;
}

export class FragmentVerdicts {
  readonly #cache: FlowCache;
  /** When an entry of the cache was made; monotonic milliseconds. */
  readonly #storedMs = new Float64Array(ENTRIES);
  /** Which SA the verdict is for, and where it is. */
  readonly #saFlowIds = new Int32Array(ENTRIES);
  readonly #saSlots = new Int32Array(ENTRIES);
  /** The flow with the identification in place of the ports (RFC 791 §3.2: what makes fragments one packet). */
  readonly #key: Flow = createFlow();

  constructor(seed: number) {
    this.#cache = new FlowCache(ENTRIES, seed);
  }

  /** The flow id of the SA that {@link store} was given for what {@link find} found last, 0 where there was none. */
  get saFlowId(): number {
    return this.#saFlowIds[this.#cache.entry]!;
  }

  /** Its slot. */
  get saSlot(): number {
    return this.#saSlots[this.#cache.entry]!;
  }

  /** @param flow of a first fragment */
  store(flow: Flow, generation: number, verdict: number, sa: FragmentSa | undefined, nowMs: number): void {
    this.#writeKey(flow);
    this.#cache.store(this.#key, generation, verdict);
    this.#storedMs[this.#cache.entry] = nowMs;
    this.#saFlowIds[this.#cache.entry] = sa === undefined ? 0 : sa.flowId;
    this.#saSlots[this.#cache.entry] = sa === undefined ? 0 : sa.slot;
  }

  /** @param flow of a later fragment @returns the verdict, or UNKNOWN_FLOW */
  find(flow: Flow, generation: number, nowMs: number): number {
    this.#writeKey(flow);
    const verdict = this.#cache.find(this.#key, generation);
    if (verdict === UNKNOWN_FLOW) return UNKNOWN_FLOW;
    return nowMs - this.#storedMs[this.#cache.entry]! > LIFETIME_MS ? UNKNOWN_FLOW : verdict;
  }

  #writeKey(flow: Flow): void {
    for (let word = 0; word < FLOW_KEY_WORDS; word++) this.#key[word] = flow[word]!;
    this.#key[FlowWord.ports] = flow[FlowWord.identification]!;
    this.#key[FlowWord.protocol] = flow[FlowWord.protocol]! & ~PORTS_UNKNOWN;
  }
}
