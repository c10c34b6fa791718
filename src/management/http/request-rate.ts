// A token bucket: how many requests are answered. Time is an argument.

export class RequestRate {
  readonly #perSecond: number;
  readonly #burst: number;
  #places: number;
  #countedMs = 0;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#places = burst;
  }

  /** @param nowMs monotonic milliseconds @returns false where it is too much */
  take(nowMs: number): boolean {
    const gained = ((nowMs - this.#countedMs) * this.#perSecond) / 1000;
    this.#places = Math.min(this.#burst, this.#places + gained);
    this.#countedMs = nowMs;
    if (this.#places < 1) return false;
    this.#places--;
    return true;
  }
}
