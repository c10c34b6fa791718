// Who has which addresses, among very many: found by an address or a range without looking at all of them. RFC 4301
// §4.4.1.1 has ranges, so nothing says that they are prefixes, nor that they do not overlap.

import { rangeContains, type Address, type AddressRange } from '../base/address.ts';

/** One range, and how often each holder has it. */
interface Cell<Holder> {
  readonly range: AddressRange;
  /** Sorts as the first addresses do. */
  readonly key: string;
  readonly holders: Map<Holder, number>;
}

export class AddressIndex<Holder> {
  readonly #byRange = new Map<string, Cell<Holder>>();
  readonly #inOrder: Cell<Holder>[] = [];
  /** By the smallest prefix that a range lies in; most ranges are one. */
  readonly #byPrefix = new Map<string, Set<Cell<Holder>>>();
  /** How many cells there are of each length of prefix. */
  readonly #lengths = new Map<number, number>();

  add({ first, last }: AddressRange, holder: Holder): void {
    const key = keyOf(first) + keyOf(last);
    const cell = this.#byRange.get(key) ?? this.#newCell({ first, last }, key);
    cell.holders.set(holder, (cell.holders.get(holder) ?? 0) + 1);
  }

  /** Undoes one {@link add}. */
  remove({ first, last }: AddressRange, holder: Holder): void {
    const cell = this.#byRange.get(keyOf(first) + keyOf(last));
    const count = cell?.holders.get(holder);
    if (cell === undefined || count === undefined) return;
    if (count > 1) cell.holders.set(holder, count - 1);
    else cell.holders.delete(holder);
    if (cell.holders.size === 0) this.#removeCell(cell);
  }

  /** Who has any address of the range. */
  holding({ first, last }: AddressRange): ReadonlySet<Holder> {
    const found = new Set<Holder>();
    const take = ({ holders }: Cell<Holder>): void => {
      for (const holder of holders.keys()) found.add(holder);
    };
    for (const bits of this.#lengths.keys())
      for (const cell of this.#byPrefix.get(prefixKey(first, bits)) ?? [])
        if (rangeContains(cell.range, first)) take(cell);
    // What begins within the range.
    const end = `${keyOf(last)}~`;
    for (let place = this.#placeOf(keyOf(first)); place < this.#inOrder.length; place++) {
      const cell = this.#inOrder[place];
      if (cell === undefined || cell.key > end) break;
      take(cell);
    }
    return found;
  }

  #newCell(range: AddressRange, key: string): Cell<Holder> {
    const cell: Cell<Holder> = { range, key, holders: new Map() };
    this.#byRange.set(key, cell);
    this.#inOrder.splice(this.#placeOf(key), 0, cell);
    const bits = sharedBits(range);
    const prefix = prefixKey(range.first, bits);
    const cells = this.#byPrefix.get(prefix);
    if (cells === undefined) this.#byPrefix.set(prefix, new Set([cell]));
    else cells.add(cell);
    this.#lengths.set(bits, (this.#lengths.get(bits) ?? 0) + 1);
    return cell;
  }

  #removeCell(cell: Cell<Holder>): void {
    this.#byRange.delete(cell.key);
    this.#inOrder.splice(this.#placeOf(cell.key), 1);
    const bits = sharedBits(cell.range);
    const prefix = prefixKey(cell.range.first, bits);
    const cells = this.#byPrefix.get(prefix);
    cells?.delete(cell);
    if (cells?.size === 0) this.#byPrefix.delete(prefix);
    const count = this.#lengths.get(bits) ?? 0;
    if (count > 1) this.#lengths.set(bits, count - 1);
    else this.#lengths.delete(bits);
  }

  /** Of the first cell in order whose key is not less. */
  #placeOf(key: string): number {
    let low = 0;
    let high = this.#inOrder.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#inOrder[middle]?.key ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The family is its length. */
function keyOf({ family, bytes }: Address): string {
  return `${family}${Buffer.from(bytes).toString('hex')}`;
}

function sharedBits({ first, last }: AddressRange): number {
  for (let index = 0; index < first.bytes.length; index++) {
    const different = (first.bytes[index] ?? 0) ^ (last.bytes[index] ?? 0);
    if (different !== 0) return 8 * index + Math.clz32(different) - 24;
  }
  return 8 * first.bytes.length;
}

function prefixKey({ family, bytes }: Address, bits: number): string {
  const whole = bits >> 3;
  const rest = (bytes[whole] ?? 0) & (0xff00 >> (bits & 7));
  return `${family}/${bits}/${Buffer.from(bytes.subarray(0, whole)).toString('hex')}/${rest}`;
}
