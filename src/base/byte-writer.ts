// Writes big-endian fields one after another into a buffer that grows. A value that its field cannot hold is a defect
// of this program, an InvariantError: nothing is ever cut off silently.

import { InvariantError } from './errors.ts';

const FIRST_BYTES = 512;

export class ByteWriter {
  #bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  uint8(value: number, field: string): void {
    check(value, 0xff, field);
    const at = this.#extend(1);
    this.#bytes[at] = value;
  }

  uint16(value: number, field: string): void {
    this.#put16(this.#extend(2), value, field);
  }

  uint32(value: number, field: string): void {
    check(value, 0xffff_ffff, field);
    const at = this.#extend(4);
    this.#put16(at, Math.floor(value / 0x1_0000), field);
    this.#put16(at + 2, value % 0x1_0000, field);
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#extend(bytes.length);
    this.#bytes.set(bytes, at);
  }

  zeros(length: number): void {
    this.#extend(length);
  }

  /**
   * Writes a 16-bit length and what `write` writes behind it.
   *
   * @param before how many bytes in front of the length field it counts too; the field itself is counted
   */
  withLength16(before: number, field: string, write: () => void): void {
    const at = this.#extend(2);
    write();
    this.#put16(at, this.#length - at + before, field);
  }

  /** @returns a copy of what was written */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #put16(at: number, value: number, field: string): void {
    check(value, 0xffff, field);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  /** Call it before `#bytes` is read: it may put another buffer there. @returns where the new bytes begin */
  #extend(length: number): number {
    const at = this.#length;
    const needed = at + length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    this.#length = needed;
    return at;
  }
}

function check(value: number, largest: number, field: string): void {
  if (!Number.isInteger(value) || value < 0 || value > largest) {
    throw new InvariantError(`${field} is ${value}; 0 to ${largest} can be written`);
  }
}
