// Keeps the outbound SAs supplied with reserved sequence numbers: when the data plane says that they run low, the
// next block is reserved on disk and granted.

import type { Logger } from '../base/log.ts';
import type { DataPlane } from '../dataplane/data-plane.ts';
import type { NextBlock, SaReference } from '../sad/security-association.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 30_000;

export interface SequenceSupplyParts {
  readonly log: Logger;
  readonly dataPlane: Pick<DataPlane, 'send'>;
  /** undefined where the SA is gone. */
  readonly nextBlockOf: (sa: SaReference) => NextBlock | undefined;
}

export class SequenceSupply {
  readonly #parts: SequenceSupplyParts;
  readonly #stopped = new AbortController();

  constructor(parts: SequenceSupplyParts) {
    this.#parts = parts;
  }

  /** Nothing is reserved any more. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Reserves and grants a block; tries again, less and less often, where the disk refuses. */
  replenish(sa: SaReference): void {
    void this.#replenish(sa, FIRST_RETRY_MS);
  }

  async #replenish(sa: SaReference, retryMs: number): Promise<void> {
    const { log, dataPlane, nextBlockOf } = this.#parts;
    const { signal } = this.#stopped;
    const nextBlock = nextBlockOf(sa);
    if (nextBlock === undefined) return;
    try {
      const block = await nextBlock();
      if (signal.aborted) return;
      await dataPlane.send({ type: 'grant-sequence', sa, block });
      log.debug({ sa: sa.id, ...block }, 'sequence numbers reserved');
    } catch (error) {
      if (signal.aborted) return;
      // The SA goes on until its numbers are used up; then its packets are dropped and counted.
      log.error({ sa: sa.id, err: error, retryMs }, 'no further sequence numbers can be reserved');
      const timer = setTimeout(() => void this.#replenish(sa, Math.min(2 * retryMs, LAST_RETRY_MS)), retryMs);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
      });
    }
  }
}
