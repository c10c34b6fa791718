// Flows that a peer left out when it narrowed what was asked for (RFC 7296 §2.9). For a while they ask for nothing, so that they
// neither make it answer the same again and again nor keep other flows of their policy from asking.

import { FLOW_KEY_WORDS, type Flow } from '../spd/flow.ts';

/** Of one policy; the oldest goes first. */
const MOST = 64;
const REFUSED_MS = 15_000;

export class RefusedFlows {
  readonly #keys = new Int32Array(MOST * FLOW_KEY_WORDS);
  readonly #untilMs = new Float64Array(MOST);
  #next = 0;

  /** @param flow its key is copied */
  add(flow: Int32Array, nowMs: number): void {
    this.#keys.set(flow.subarray(0, FLOW_KEY_WORDS), this.#next * FLOW_KEY_WORDS);
    this.#untilMs[this.#next] = nowMs + REFUSED_MS;
    this.#next = (this.#next + 1) % MOST;
  }

  has(flow: Flow, nowMs: number): boolean {
    for (let at = 0; at < MOST; at++) if (this.#untilMs[at]! > nowMs && this.#isAt(at, flow)) return true;
    return false;
  }

  #isAt(at: number, flow: Flow): boolean {
    for (let word = 0; word < FLOW_KEY_WORDS; word++)
      if (this.#keys[at * FLOW_KEY_WORDS + word] !== flow[word]) return false;
    return true;
  }
}
