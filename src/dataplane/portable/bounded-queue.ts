// A bounded queue, first in first out, in a ring that is allocated once. What does not fit is refused, and the
// caller counts it: no queue of the gateway grows with the traffic.

export class BoundedQueue<T> {
  readonly #items: (T | undefined)[];
  #head = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#items = new Array<T | undefined>(capacity).fill(undefined);
  }

  get length(): number {
    return this.#length;
  }

  /** @returns false, with nothing queued, where the queue is full */
  push(item: T): boolean {
    if (this.#length === this.#items.length) return false;
    this.#items[(this.#head + this.#length) % this.#items.length] = item;
    this.#length++;
    return true;
  }

  /** @returns undefined where the queue is empty */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#items.length;
    this.#length--;
    return item;
  }
}
