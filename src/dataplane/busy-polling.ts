// How long a worker looks for the next packet again and again before it sleeps. Waking a thread, and a processor that was
// halted, costs more than a small packet's whole way; looking costs a processor, so it is bounded, and only sparse traffic
// is worth it: dense traffic finds its worker awake, and gains by waiting for a batch.

import { Counter, type Counters } from './counters.ts';

/** The shortest look: an answer from a network near by comes within it. */
const SHORTEST_MS = 0.3;
/** The longest: between two packets of somebody who waits for each answer, and thinks little. */
const LONGEST_MS = 20;
/** So many waits that the longest look outlasts come before it is taken: a question and its answer alone are fewer. */
const WAITS_BEFORE_LONGEST = 4;
/** What may be saved up of the share. */
const SAVED_MS = 2000;
/** One look takes at most this part of what is saved: who has little left spends it on packets that come soon. */
const PART_OF_SAVED = 1 / 8;
/** Above it the traffic is dense. */
const SPARSE_PACKETS_PER_MS = 64;
/** Over which that is judged. */
const RATE_MS = 1;

export class BusyPolling {
  readonly #share: number;
  readonly #counters: Counters;
  #savedMs: number;
  #savedAtMs = 0;
  #longestMs = 0;
  #grantedMs = 0;
  /** Waits in a row that the longest look outlasts. */
  #soon = 0;
  #rateFromMs = 0;
  #ratePackets = 0;
  #isSparse = true;

  /** @param share of one processor, 0 … 1 */
  constructor(share: number, counters: Counters) {
    this.#share = share;
    this.#counters = counters;
    this.#savedMs = share > 0 ? SAVED_MS : 0;
  }

  /** @param nowMs monotonic milliseconds @returns for how long to look before the sleep that begins now, whole microseconds */
  grant(nowMs: number): number {
    this.#judgeRate(nowMs);
    this.#savedMs = Math.min(SAVED_MS, this.#savedMs + (nowMs - this.#savedAtMs) * this.#share);
    this.#savedAtMs = nowMs;
    this.#longestMs = Math.min(LONGEST_MS, this.#savedMs * PART_OF_SAVED);
    const lookMs = this.#soon < WAITS_BEFORE_LONGEST ? SHORTEST_MS : this.#longestMs;
    // A shorter look than the shortest finds nothing: what it would take is saved for a later one.
    this.#grantedMs = this.#isSparse && lookMs <= this.#longestMs ? lookMs : 0;
    return Math.floor(this.#grantedMs * 1000);
  }

  /**
   * Takes what was used of the grant.
   * @param nowMs when the sleep, or the looking, was over
   * @param hasFound false where it ended because its time was over
   */
  end(nowMs: number, hasFound: boolean): void {
    const waitedMs = nowMs - this.#savedAtMs;
    const lookedMs = Math.min(waitedMs, this.#grantedMs);
    this.#savedMs = Math.max(0, this.#savedMs - lookedMs);
    this.#soon = hasFound && waitedMs <= this.#longestMs ? this.#soon + 1 : 0;
    this.#counters[Counter.busyPolledMs] = this.#counters[Counter.busyPolledMs]! + lookedMs;
  }

  #judgeRate(nowMs: number): void {
    const elapsedMs = nowMs - this.#rateFromMs;
    if (elapsedMs < RATE_MS) return;
    const counters = this.#counters;
    const packets =
      counters[Counter.outboundPackets]! +
      counters[Counter.inboundPackets]! +
      counters[Counter.outboundBypassPackets]! +
      counters[Counter.framesHandedOver]! +
      counters[Counter.datagramsHandedOver]!;
    this.#isSparse = packets - this.#ratePackets <= SPARSE_PACKETS_PER_MS * elapsedMs;
    this.#rateFromMs = nowMs;
    this.#ratePackets = packets;
  }
}
