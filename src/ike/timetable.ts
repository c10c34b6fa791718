// When something is to happen to each of many, the next one first: a binary heap that knows where each owner stands, so
// that a deadline can be moved or taken away. Thousands of IKE SAs have one deadline each.

interface Row<Owner> {
  readonly owner: Owner;
  readonly atMs: number;
}

export class Timetable<Owner> {
  readonly #heap: Row<Owner>[] = [];
  readonly #places = new Map<Owner, number>();

  /** Infinity where there is none. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Infinity;
  }

  /** In the place of the owner's deadline so far. @param atMs Infinity: none */
  set(owner: Owner, atMs: number): void {
    const place = this.#places.get(owner);
    if (atMs === Infinity) {
      if (place !== undefined) this.#remove(place);
    } else if (this.#heap[place ?? -1]?.atMs !== atMs) {
      this.#settle({ owner, atMs }, place ?? this.#heap.length);
    }
  }

  /** Takes the next owner out where its time has come. */
  takeDue(nowMs: number): Owner | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.atMs > nowMs) return undefined;
    this.#remove(0);
    return first.owner;
  }

  #remove(place: number): void {
    const row = this.#heap[place];
    const last = this.#heap.pop();
    if (row === undefined || last === undefined) return;
    this.#places.delete(row.owner);
    if (last !== row) this.#settle(last, place);
  }

  /** Puts a row where it belongs, beginning at a place that is free. */
  #settle(row: Row<Owner>, free: number): void {
    const heap = this.#heap;
    let at = free;
    for (;;) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (at === 0 || above === undefined || above.atMs <= row.atMs) break;
      this.#put(above, at);
      at = parent;
    }
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      const isRight = right !== undefined && left !== undefined && right.atMs < left.atMs;
      const below = isRight ? right : left;
      if (below === undefined || below.atMs >= row.atMs) break;
      this.#put(below, at);
      at = 2 * at + (isRight ? 2 : 1);
    }
    this.#put(row, at);
  }

  #put(row: Row<Owner>, place: number): void {
    this.#heap[place] = row;
    this.#places.set(row.owner, place);
  }
}
