// The slots in which an engine keeps cipher contexts: small integers, used again when an SA is gone.

import { SadError } from './sad-error.ts';

/** As many as the engines have. */
const MAX_SLOTS = 2 ** 20;

export class SlotPool {
  readonly #free: number[] = [];
  #next = 0;

  /** @throws SadError ENOBUFS where all are in use */
  take(): number {
    const released = this.#free.pop();
    if (released !== undefined) return released;
    if (this.#next === MAX_SLOTS) throw new SadError('ENOBUFS', `there are ${MAX_SLOTS} SAs already`);
    return this.#next++;
  }

  release(slot: number): void {
    this.#free.push(slot);
  }
}
