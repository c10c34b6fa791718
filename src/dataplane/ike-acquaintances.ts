// Whom IKE may know, as the packet path sees it: SPIs of its IKE SAs, and addresses of its peers. The main thread writes
// it, the packet path reads it, and a flood of strangers takes no room from the messages that it is true of (RFC 7296
// §2.6). Both are counted by a few of their bits: it may be true of a stranger's message, never untrue of one that is
// known. Nothing is believed because of it.

import { randomInt } from 'node:crypto';

/** SPIs of IKE SAs are random: 17 of their bits tell 10 000 of them from all but 8 in 100 others. */
const SPI_BITS = 17;
const PLACE_BITS = 16;
const SPI_CELLS = 1 << SPI_BITS;
const PLACE_CELLS = 1 << PLACE_BITS;

/** Plain data, which crosses to a worker and stays shared. */
export interface AcquaintanceCells {
  /** How many SPIs have these bits. */
  readonly spis: Uint16Array<SharedArrayBuffer>;
  /** How many addresses. */
  readonly places: Uint16Array<SharedArrayBuffer>;
  /** Makes the cells of addresses unpredictable. */
  readonly seed: number;
}

export function allocateAcquaintances(): AcquaintanceCells {
  const cells = (count: number): Uint16Array<SharedArrayBuffer> =>
    new Uint16Array(new SharedArrayBuffer(count * Uint16Array.BYTES_PER_ELEMENT));
  return { spis: cells(SPI_CELLS), places: cells(PLACE_CELLS), seed: randomInt(2 ** 32) };
}

export class IkeAcquaintances {
  readonly #cells: AcquaintanceCells;
  #places: readonly Uint8Array[] = [];

  constructor(cells: AcquaintanceCells) {
    this.#cells = cells;
  }

  /** @param spi eight bytes that this side has chosen */
  addSpi(spi: Uint8Array): void {
    const cell = spiCell(spi, 0);
    this.#cells.spis[cell] = this.#cells.spis[cell]! + 1;
  }

  removeSpi(spi: Uint8Array): void {
    const cell = spiCell(spi, 0);
    this.#cells.spis[cell] = this.#cells.spis[cell]! - 1;
  }

  /** Those of the last {@link usePlaces}: the same array until the next. */
  get places(): readonly Uint8Array[] {
    return this.#places;
  }

  /** In the place of those before. @param addresses 4 or 16 bytes each */
  usePlaces(addresses: readonly Uint8Array[]): void {
    const { places } = this.#cells;
    // The new ones first: who stays is never unknown.
    for (const address of addresses) places[this.#placeCell(address)]!++;
    for (const address of this.#places) places[this.#placeCell(address)]!--;
    this.#places = addresses.map((address) => address.slice());
  }

  /** @param offset of eight bytes */
  mayHaveSpi(bytes: Uint8Array, offset: number): boolean {
    return this.#cells.spis[spiCell(bytes, offset)] !== 0;
  }

  /** @param offset of an address of so many bytes */
  mayBePlace(bytes: Uint8Array, offset: number, length: number): boolean {
    return this.#cells.places[placeCell(this.#cells.seed, bytes, offset, length)] !== 0;
  }

  #placeCell(address: Uint8Array): number {
    return placeCell(this.#cells.seed, address, 0, address.length);
  }
}

function spiCell(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16)) & (SPI_CELLS - 1);
}

/** Multiplications by odd constants, as in MurmurHash3's finalizer. */
function placeCell(seed: number, bytes: Uint8Array, offset: number, length: number): number {
  let hash = seed | 0;
  for (let at = offset; at < offset + length; at++) {
    hash = Math.imul(hash ^ bytes[at]!, 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  return (Math.imul(hash, 0xc2b2ae35) >>> 16) & (PLACE_CELLS - 1);
}
