// Answers that are on their way. Who reads slowly keeps a whole one in memory, and each scrape may be another one: only so
// many are kept at once, however many read them.

import { RefusedRequest } from '../refused-request.ts';

const MOST_VERSIONS = 4;
const RETRY_SECONDS = 10;

export class HeldVersions<Answer> {
  readonly #readers = new Map<Answer, number>();

  /** @returns who calls it gives the answer back @throws RefusedRequest where it would be one too many */
  hold(answer: Answer): () => void {
    const before = this.#readers.get(answer) ?? 0;
    if (before === 0 && this.#readers.size >= MOST_VERSIONS)
      throw new RefusedRequest(503, 'too many read this slowly', { 'Retry-After': String(RETRY_SECONDS) });
    this.#readers.set(answer, before + 1);
    return () => {
      const left = (this.#readers.get(answer) ?? 1) - 1;
      if (left > 0) this.#readers.set(answer, left);
      else this.#readers.delete(answer);
    };
  }
}
