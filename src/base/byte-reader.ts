// Reads big-endian fields one after another and never beyond the end. Every failure is a MalformedMessageError that
// says where. For formats that are read seldom; packets of the data plane are read at offsets (wire/bytes.ts).

import { MalformedMessageError } from './errors.ts';

/** The part of another reader's bytes that a reader is for. */
interface Section {
  readonly parent: ByteReader;
  readonly number: number | undefined;
  readonly start: number;
  readonly end: number;
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #section: Section | undefined;
  readonly #end: number;
  #at: number;

  /**
   * @param bytes borrowed as long as the reader is used
   * @param what the format, for messages: `IKE message`
   */
  constructor(bytes: Uint8Array, what: string, section?: Section) {
    this.#bytes = bytes;
    this.#what = what;
    this.#section = section;
    this.#at = section?.start ?? 0;
    this.#end = section?.end ?? bytes.length;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  uint8(field: string): number {
    return this.#bytes[this.#advance(1, field)]!;
  }

  uint16(field: string): number {
    const at = this.#advance(2, field);
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }

  uint32(field: string): number {
    const at = this.#advance(4, field);
    const high = (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
    return high * 0x1_0000 + ((this.#bytes[at + 2]! << 8) | this.#bytes[at + 3]!);
  }

  /** @returns a copy: what is decoded outlives the buffer that it came in */
  bytes(length: number, field: string): Uint8Array {
    const at = this.#advance(length, field);
    return new Uint8Array(this.#bytes.subarray(at, at + length));
  }

  /** A copy of all that is left; it may be empty. */
  rest(): Uint8Array {
    return this.bytes(this.remaining, 'rest');
  }

  skip(length: number, field: string): void {
    this.#advance(length, field);
  }

  /** A reader of the next `length` bytes alone; this one goes on behind them. */
  part(length: number, what: string, number?: number): ByteReader {
    const start = this.#advance(length, what);
    return new ByteReader(this.#bytes, what, { parent: this, number, start, end: this.#at });
  }

  expectEnd(): void {
    if (this.remaining > 0) throw this.malformed(`${this.remaining} bytes too many`);
  }

  /** For the caller to throw: what is wrong where this reader stands. */
  malformed(problem: string): MalformedMessageError {
    return new MalformedMessageError(`${this.#place()}, byte ${this.#at}`, problem);
  }

  #place(): string {
    if (this.#section === undefined) return this.#what;
    const { parent, number } = this.#section;
    return `${parent.#place()}, ${this.#what}${number === undefined ? '' : ` ${number}`}`;
  }

  /** @returns where the field begins */
  #advance(length: number, field: string): number {
    if (length > this.remaining) {
      throw this.malformed(`${field} needs ${length} bytes, ${this.remaining} are left`);
    }
    const at = this.#at;
    this.#at += length;
    return at;
  }
}
