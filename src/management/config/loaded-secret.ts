// A secret that a program has loaded into the gateway that runs. Its bytes can be had by asking for them alone: whoever
// prints, compares or serializes this object sees its name and number.

import { timingSafeEqual } from 'node:crypto';

import { InvariantError } from '../../base/errors.ts';

let loadedSoFar = 0;

export class LoadedSecret {
  readonly name: string;
  /** Another one for each secret, so that two are never taken for the same by their names. */
  readonly serial: number = ++loadedSoFar;
  readonly #bytes: Uint8Array;
  #isErased = false;

  /** @param bytes borrowed until return */
  constructor(name: string, bytes: Uint8Array) {
    this.name = name;
    this.#bytes = Uint8Array.from(bytes);
  }

  /** @returns a copy that the caller zeroes */
  reveal(): Uint8Array {
    if (this.#isErased) throw new InvariantError(`${this.name} was unloaded and is used`);
    return this.#bytes.slice();
  }

  holds(bytes: Uint8Array): boolean {
    return !this.#isErased && bytes.length === this.#bytes.length && timingSafeEqual(bytes, this.#bytes);
  }

  erase(): void {
    this.#isErased = true;
    this.#bytes.fill(0);
  }
}
