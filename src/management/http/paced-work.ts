// Work that each request wants anew, and that looks at all policies or SAs: one piece at a time, and after each a pause, so
// that whoever asks again and again has a small share of the main thread. A few wait for their turn; the others are refused.

import { monotonicMs } from '../../base/clock.ts';
import { RefusedRequest } from './refused-request.ts';
import type { Done } from './sliced.ts';

/** Of what the work took. */
const PAUSE_TIMES = 20;
const MOST_WAITING = 8;

export class PacedWork {
  #waiting = 0;
  /** The last one that wants a turn, and the pause after it. Never rejects. */
  #last: Promise<void> = Promise.resolve();

  /** @throws RefusedRequest where too many wait, and what the work throws */
  async run<Result>(work: () => Promise<Done<Result>>): Promise<Result> {
    if (this.#waiting >= MOST_WAITING)
      throw new RefusedRequest(429, 'too many ask for this at once', { 'Retry-After': '1' });
    this.#waiting++;
    const before = this.#last;
    let next = (): void => undefined;
    this.#last = new Promise((resolve) => {
      next = resolve;
    });
    await before;
    const beganMs = monotonicMs();
    let tookMs: number | undefined;
    try {
      const { result, busyMs } = await work();
      tookMs = busyMs;
      return result;
    } finally {
      this.#waiting--;
      setTimeout(next, PAUSE_TIMES * (tookMs ?? monotonicMs() - beganMs)).unref();
    }
  }
}
