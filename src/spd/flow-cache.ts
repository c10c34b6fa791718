// An exact-match cache from flows to verdicts: what makes SPD-O and SPD-I (RFC 4301 §4.4.1) cheap per packet.
// Bounded and set-associative; a set that is full gives up its entries in turn. Entries of an older snapshot
// never match, so a new policy needs no walk over the cache.

import { FLOW_KEY_WORDS, type Flow } from './flow.ts';

const WAYS = 4;
/** Value of {@link FlowCache.find} where the flow is not known. */
export const UNKNOWN_FLOW = -0x80000000;

export class FlowCache {
  readonly #sets: number;
  readonly #seed: number;
  readonly #keys: Int32Array;
  readonly #verdicts: Int32Array;
  /** Generation of the snapshot that the entry came from; 0 = free. */
  readonly #generations: Int32Array;
  readonly #nextWay: Uint8Array;
  /** The entry that was found last: packets come in runs of one flow. */
  #last = 0;

  /**
   * @param capacity entries; a power of two, at least 4
   * @param seed makes the choice of sets unpredictable, so that nobody can aim flows at one set
   */
  constructor(capacity: number, seed: number) {
    this.#sets = capacity / WAYS;
    this.#seed = seed | 0;
    this.#keys = new Int32Array(capacity * FLOW_KEY_WORDS);
    this.#verdicts = new Int32Array(capacity);
    this.#generations = new Int32Array(capacity);
    this.#nextWay = new Uint8Array(this.#sets);
  }

  /** Number of the entry that was found or stored last, for callers that keep more beside the verdict. */
  get entry(): number {
    return this.#last;
  }

  /** @returns the verdict that {@link store} was given, or {@link UNKNOWN_FLOW} */
  find(flow: Flow, generation: number): number {
    if (this.#holds(this.#last, flow, generation)) return this.#verdicts[this.#last]!;
    const first = this.#setOf(flow) * WAYS;
    for (let entry = first; entry < first + WAYS; entry++) {
      if (!this.#holds(entry, flow, generation)) continue;
      this.#last = entry;
      return this.#verdicts[entry]!;
    }
    return UNKNOWN_FLOW;
  }

  /** Remembers a verdict, in place of the one before where the flow has one. */
  store(flow: Flow, generation: number, verdict: number): void {
    const known = this.find(flow, generation) !== UNKNOWN_FLOW;
    const entry = known ? this.#last : this.#freeEntry(flow);
    this.#generations[entry] = generation;
    this.#verdicts[entry] = verdict;
    for (let word = 0; word < FLOW_KEY_WORDS; word++) this.#keys[entry * FLOW_KEY_WORDS + word] = flow[word]!;
    this.#last = entry;
  }

  #freeEntry(flow: Flow): number {
    const set = this.#setOf(flow);
    const way = this.#nextWay[set]!;
    this.#nextWay[set] = (way + 1) & (WAYS - 1);
    return set * WAYS + way;
  }

  #holds(entry: number, flow: Flow, generation: number): boolean {
    if (this.#generations[entry] !== generation) return false;
    const at = entry * FLOW_KEY_WORDS;
    for (let word = 0; word < FLOW_KEY_WORDS; word++) {
      if (this.#keys[at + word] !== flow[word]) return false;
    }
    return true;
  }

  #setOf(flow: Flow): number {
    let hash = this.#seed;
    for (let word = 0; word < FLOW_KEY_WORDS; word++) {
      hash = Math.imul(hash ^ flow[word]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash, 0x85ebca6b);
    return (hash ^ (hash >>> 13)) & (this.#sets - 1);
  }
}
