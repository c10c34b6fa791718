// The SAs of one worker whose lifetime has a limit in time, the next one first: a binary heap. An SA that is gone, or
// whose limits were changed, stays in it until its old time comes, and is then passed over.

import type { SaReference } from '../sad/security-association.ts';

export interface Deadline {
  readonly atMs: number;
  readonly direction: 'inbound' | 'outbound';
  readonly sa: SaReference;
}

export class Deadlines {
  readonly #heap: Deadline[] = [];
  /** Monotonic milliseconds; Infinity where there is none. */
  nextMs: number = Infinity;

  add(deadline: Deadline): void {
    if (deadline.atMs === Infinity) return;
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.atMs <= deadline.atMs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = deadline;
    this.nextMs = heap[0]!.atMs;
  }

  /** Takes the next one out where its time has come. */
  takeDue(nowMs: number): Deadline | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atMs > nowMs) return undefined;
    const last = heap.pop();
    if (last !== undefined && last !== first) this.#sink(last);
    this.nextMs = heap[0]?.atMs ?? Infinity;
    return first;
  }

  clear(): void {
    this.#heap.length = 0;
    this.nextMs = Infinity;
  }

  #sink(deadline: Deadline): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child++;
      if (heap[child]!.atMs >= deadline.atMs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = deadline;
  }
}
