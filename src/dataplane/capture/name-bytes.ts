// Names of policies and peers as bytes, so that a packet of a name that was met before makes none anew.

const MOST_NAMES = 4096;
const MOST_NAME_BYTES = 1024;
const NO_NAME = new Uint8Array(0);

export class NameBytes {
  readonly #known = new Map<string, Uint8Array>();

  /** @returns at most {@link MOST_NAME_BYTES} bytes; none for undefined */
  of(name: string | undefined): Uint8Array {
    if (name === undefined) return NO_NAME;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    if (this.#known.size === MOST_NAMES) this.#known.clear();
    const bytes = Buffer.from(name, 'utf8').subarray(0, MOST_NAME_BYTES);
    this.#known.set(name, bytes);
    return bytes;
  }
}
