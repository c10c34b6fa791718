// How long handshakes took, from the first message until the IKE SA is established: as a histogram for each role. A rekey is
// no handshake. RFC 7296 §1.2.

import type { IkeSaState } from '../ike/ike-sa-state.ts';
import type { HistogramFigures } from '../management/http/metrics/metrics-source.ts';
import type { IkeSpi } from '../wire/ike/ike-spi.ts';

/** One round trip of the same city to peers that answer at the last of several retransmissions. */
const BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;
/** Of handshakes that are under way. */
const MOST_BEGUN = 16_384;

interface Histogram {
  readonly counts: number[];
  sumSeconds: number;
}

export class HandshakeTimes {
  readonly #begunMs = new Map<IkeSpi, number>();
  readonly #histograms = { initiator: newHistogram(), responder: newHistogram() };

  /** Before anything was heard in answer, `lastHeardMs` is when the IKE SA began. */
  look({ localSpi, phase, lastHeardMs }: IkeSaState): void {
    if ((phase !== 'connecting' && phase !== 'half-open') || this.#begunMs.has(localSpi)) return;
    this.#begunMs.set(localSpi, lastHeardMs);
    const [oldest] = this.#begunMs.keys();
    if (this.#begunMs.size > MOST_BEGUN && oldest !== undefined) this.#begunMs.delete(oldest);
  }

  established({ localSpi, role }: IkeSaState, nowMs: number): void {
    const begunMs = this.#begunMs.get(localSpi);
    this.#begunMs.delete(localSpi);
    if (begunMs === undefined) return;
    const seconds = Math.max(0, nowMs - begunMs) / 1000;
    const histogram = this.#histograms[role];
    const at = BOUNDS_SECONDS.findIndex((bound) => seconds <= bound);
    histogram.counts[at < 0 ? BOUNDS_SECONDS.length : at]! += 1;
    histogram.sumSeconds += seconds;
  }

  forget({ localSpi }: IkeSaState): void {
    this.#begunMs.delete(localSpi);
  }

  get figures(): Readonly<Record<IkeSaState['role'], HistogramFigures>> {
    const { initiator, responder } = this.#histograms;
    return { initiator: figuresOf(initiator), responder: figuresOf(responder) };
  }
}

function newHistogram(): Histogram {
  return { counts: Array<number>(BOUNDS_SECONDS.length + 1).fill(0), sumSeconds: 0 };
}

function figuresOf({ counts, sumSeconds }: Histogram): HistogramFigures {
  let count = 0;
  const buckets = counts.map((one, index) => {
    count += one;
    return { bound: BOUNDS_SECONDS[index] ?? Infinity, count };
  });
  return { buckets, sum: sumSeconds, count };
}
