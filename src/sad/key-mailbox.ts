// Keys on their way to a worker: one shared buffer for all SAs of an edit, so that the message that names them copies
// nothing, and one call zeroes what was not taken.

import type { SadEdit } from './sad-edit.ts';

export class KeyMailbox {
  readonly #bytes: Uint8Array<SharedArrayBuffer>;
  #used = 0;

  constructor(edits: readonly SadEdit[]) {
    let length = 0;
    for (const edit of edits) if (edit.type === 'add') length += edit.sa.keyMaterial.length;
    this.#bytes = new Uint8Array(new SharedArrayBuffer(length));
  }

  /** @returns a copy in shared memory */
  put(keyMaterial: Uint8Array): Uint8Array<SharedArrayBuffer> {
    const place = this.#bytes.subarray(this.#used, this.#used + keyMaterial.length);
    place.set(keyMaterial);
    this.#used += keyMaterial.length;
    return place;
  }

  zero(): void {
    this.#bytes.fill(0);
  }
}
