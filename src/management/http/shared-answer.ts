// An answer that many ask for at once, or shortly one after the other, is made once. The longer it takes to make the longer it
// is given to others: whoever asks again and again cannot keep the main thread busy with it.

import { monotonicMs } from '../../base/clock.ts';
import type { Done } from './sliced.ts';

/** Of the time, for one answer after the other. */
const MOST_BUSY_SHARE = 1 / 20;
const MOST_FRESH_MS = 1000;

export class SharedAnswer<Answer> {
  readonly #make: () => Promise<Done<Answer>>;
  #making: Promise<Answer> | undefined;
  #made: { readonly answer: Answer; readonly untilMs: number } | undefined;
  #forget: NodeJS.Timeout | undefined;

  constructor(make: () => Promise<Done<Answer>>) {
    this.#make = make;
  }

  async get(): Promise<Answer> {
    if (this.#made !== undefined && monotonicMs() < this.#made.untilMs) return this.#made.answer;
    this.#making ??= this.#makeOne();
    return this.#making;
  }

  async #makeOne(): Promise<Answer> {
    try {
      const { result: answer, busyMs } = await this.#make();
      const nowMs = monotonicMs();
      const freshMs = Math.min(MOST_FRESH_MS, busyMs / MOST_BUSY_SHARE);
      this.#made = { answer, untilMs: nowMs + freshMs };
      clearTimeout(this.#forget);
      // It may be megabytes, and nobody may ask again.
      this.#forget = setTimeout(() => {
        this.#made = undefined;
      }, freshMs).unref();
      return answer;
    } finally {
      this.#making = undefined;
    }
  }
}
