// Inbound SAs by SPI in constant time at any number: open addressing over integers, no key objects.
// RFC 4301 §4.1: the SPI alone finds a unicast SA.

const EMPTY = -1;
const REMOVED = -2;
/** Value of {@link SpiTable.find} where no SA has the SPI. */
export const NO_SA = -1;

export class SpiTable {
  #spis = new Int32Array(16);
  #slots = new Int32Array(16).fill(EMPTY);
  /** Cells that are not EMPTY: SAs and the places of removed ones. */
  #used = 0;
  #size = 0;

  /** @param spi signed or unsigned 32 bits @returns the slot, or {@link NO_SA} */
  find(spi: number): number {
    const key = spi | 0;
    const mask = this.#slots.length - 1;
    for (let cell = hash(key) & mask; ; cell = (cell + 1) & mask) {
      const slot = this.#slots[cell]!;
      if (slot === EMPTY) return NO_SA;
      if (slot !== REMOVED && this.#spis[cell] === key) return slot;
    }
  }

  /** Adds or replaces. @param slot not negative */
  set(spi: number, slot: number): void {
    this.delete(spi);
    if (2 * (this.#used + 1) > this.#slots.length) this.#rebuild();
    this.#insert(spi | 0, slot);
  }

  delete(spi: number): void {
    const key = spi | 0;
    const mask = this.#slots.length - 1;
    for (let cell = hash(key) & mask; this.#slots[cell] !== EMPTY; cell = (cell + 1) & mask) {
      if (this.#slots[cell] !== REMOVED && this.#spis[cell] === key) {
        this.#slots[cell] = REMOVED;
        this.#size--;
        return;
      }
    }
  }

  #insert(key: number, slot: number): void {
    const mask = this.#slots.length - 1;
    let cell = hash(key) & mask;
    while (this.#slots[cell]! >= 0) cell = (cell + 1) & mask;
    if (this.#slots[cell] === EMPTY) this.#used++;
    this.#spis[cell] = key;
    this.#slots[cell] = slot;
    this.#size++;
  }

  /** Clears the places of removed SAs, and doubles the table where the SAs need it. */
  #rebuild(): void {
    const spis = this.#spis;
    const slots = this.#slots;
    const length = 4 * (this.#size + 1) > slots.length ? 2 * slots.length : slots.length;
    this.#spis = new Int32Array(length);
    this.#slots = new Int32Array(length).fill(EMPTY);
    this.#used = 0;
    this.#size = 0;
    slots.forEach((slot, cell) => {
      if (slot >= 0) this.#insert(spis[cell]!, slot);
    });
  }
}

/** SPIs are chosen by this side, so the hash needs no seed. */
function hash(key: number): number {
  const mixed = Math.imul(key ^ (key >>> 16), 0x45d9f3b);
  return mixed ^ (mixed >>> 16);
}
