// Small numbers for people in the place of SPIs: given when something is first seen, and never used again.

export class SaNumbers<Key> {
  readonly #numbers = new Map<Key, number>();
  #last = 0;

  of(key: Key): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, ++this.#last);
    return this.#last;
  }

  keyOf(number: number): Key | undefined {
    for (const [key, one] of this.#numbers) if (one === number) return key;
    return undefined;
  }

  forget(key: Key): void {
    this.#numbers.delete(key);
  }
}
