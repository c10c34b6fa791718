// Small numbers for people in the place of SPIs: given when something is first seen, and never used again.

export class SaNumbers<Key> {
  readonly #numbers = new Map<Key, number>();
  readonly #keys = new Map<number, Key>();
  #last = 0;

  of(key: Key): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, ++this.#last);
    this.#keys.set(this.#last, key);
    return this.#last;
  }

  /** Undefined where it was forgotten. */
  keyOf(number: number): Key | undefined {
    return this.#keys.get(number);
  }

  forget(key: Key): void {
    const number = this.#numbers.get(key);
    if (number === undefined) return;
    this.#numbers.delete(key);
    this.#keys.delete(number);
  }
}
