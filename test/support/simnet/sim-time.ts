// Simulated time: what is to happen, in its order; nothing happens by itself. Two runs with one seed do the same.

import type { Time } from '../../../src/base/clock.ts';

interface Due {
  readonly atMs: number;
  readonly call: () => void | Promise<void>;
  isOff: boolean;
}

/** The time of day when a run begins. */
const START_OF_DAY_MS = Date.UTC(2030, 0, 1);

export class SimTime {
  nowMs = 1000;
  /** In the order in which they are due; of two at one time the one that came first. */
  readonly #due: Due[] = [];

  /** @returns how to call it off */
  after(ms: number, call: () => void | Promise<void>): () => void {
    const due: Due = { atMs: this.nowMs + Math.max(0, ms), call, isOff: false };
    let low = 0;
    let high = this.#due.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#due[middle]!.atMs <= due.atMs) low = middle + 1;
      else high = middle;
    }
    this.#due.splice(low, 0, due);
    return () => {
      due.isOff = true;
    };
  }

  /** Lets time pass. @param look is called behind each thing that happened, and all that followed from it at once */
  async pass(ms: number, look?: () => void): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const next = this.#due[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#due.shift();
      if (next.isOff) continue;
      this.nowMs = next.atMs;
      await next.call();
      await settle();
      look?.();
    }
    this.nowMs = untilMs;
  }

  /** Time as one gateway has it: its calls end with it. */
  timeOf(gateway: { readonly isAlive: boolean }): Time {
    const after = (ms: number, call: () => void): (() => void) =>
      this.after(ms, () => {
        if (gateway.isAlive) call();
      });
    return {
      monotonicMs: () => this.nowMs,
      wallClockMs: () => START_OF_DAY_MS + this.nowMs,
      after,
      every: (ms, call) => {
        let cancel = (): void => undefined;
        const again = (): void => {
          cancel = after(ms, () => {
            call();
            again();
          });
        };
        again();
        return () => {
          cancel();
        };
      },
    };
  }
}

/** Resolves when every promise that could be kept was kept. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
