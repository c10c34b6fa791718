// The engine's own guard against a repeated IV (RFC 4106 §2, RFC 7634 §2): sequence numbers of an outbound
// SA come from the block that was granted, and rise. The data plane chooses them; this only refuses.

const NUMBERS_WITHOUT_ESN = 2 ** 32;

export class SequenceGuard {
  readonly #esn: boolean;
  /** The lowest number that may still be used. */
  #next = 0;
  #end = 0;

  constructor(esn: boolean) {
    this.#esn = esn;
  }

  /** Allows first … end - 1. @throws RangeError where a number could be met twice, or does not exist */
  grant(first: number, end: number): void {
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(end) || first < this.#end || end < first) {
      throw new RangeError(
        `sequence numbers ${String(first)} to ${String(end)} granted after ${String(this.#end)}`,
      );
    }
    // RFC 4303 §3.3.3: without ESN the counter must not cycle.
    if (!this.#esn && end > NUMBERS_WITHOUT_ESN) {
      throw new RangeError(`sequence numbers up to ${String(end)} granted to an SA without ESN`);
    }
    this.#next = first;
    this.#end = end;
  }

  /** Uses up first … first + count - 1. @returns false, with nothing used, where one of them is not allowed */
  take(first: number, count: number): boolean {
    if (first < this.#next || first + count > this.#end) return false;
    this.#next = first + count;
    return true;
  }
}
