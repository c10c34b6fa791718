// Random bytes for IKE: SPIs, nonces, IVs, jitter. IKE asks for a few at a time, and a call of node:crypto costs the same
// for 8 bytes as for a page; so a page is drawn at once.

import { randomFillSync } from 'node:crypto';

const PAGE_BYTES = 4096;

export class RandomPool {
  readonly #page = new Uint8Array(PAGE_BYTES);
  #used = PAGE_BYTES;

  /** Bytes that are the caller's alone: none is given twice, or kept here. */
  take(bytes: number): Uint8Array {
    if (bytes > PAGE_BYTES) return randomFillSync(new Uint8Array(bytes));
    if (this.#used + bytes > PAGE_BYTES) {
      randomFillSync(this.#page);
      this.#used = 0;
    }
    const end = this.#used + bytes;
    const taken = this.#page.slice(this.#used, end);
    this.#page.fill(0, this.#used, end);
    this.#used = end;
    return taken;
  }
}
