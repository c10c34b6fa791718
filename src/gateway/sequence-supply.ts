// Keeps the outbound SAs supplied with reserved sequence numbers: when the data plane says that they run low, the
// next block is reserved on disk and granted.

import { InvariantError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { DataPlane } from '../dataplane/data-plane.ts';
import type { SequenceBlock } from '../sad/security-association.ts';

export type ReserveBlock = () => Promise<SequenceBlock>;

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 30_000;

export class SequenceSupply {
  readonly #log: Logger;
  readonly #reserve = new Map<string, ReserveBlock>();
  readonly #stopped = new AbortController();
  #dataPlane: DataPlane | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param policy whose outbound SA `reserve` reserves numbers for */
  add(policy: string, reserve: ReserveBlock): void {
    this.#reserve.set(policy, reserve);
  }

  attach(dataPlane: DataPlane): void {
    this.#dataPlane = dataPlane;
  }

  /** Nothing is reserved any more. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Reserves and grants a block; tries again, less and less often, where the disk refuses. */
  replenish(policy: string): void {
    void this.#replenish(policy, FIRST_RETRY_MS);
  }

  async #replenish(policy: string, retryMs: number): Promise<void> {
    const { signal } = this.#stopped;
    try {
      const reserve = this.#reserve.get(policy);
      if (reserve === undefined)
        throw new InvariantError(`policy ${policy} has no SA to reserve numbers for`);
      const block = await reserve();
      if (signal.aborted) return;
      await this.#dataPlane?.send({ type: 'grant-sequence', policy, block });
      this.#log.debug({ policy, ...block }, 'sequence numbers reserved');
    } catch (error) {
      if (signal.aborted) return;
      // The SA goes on until its numbers are used up; then its packets are dropped and counted.
      this.#log.error({ policy, err: error, retryMs }, 'no further sequence numbers can be reserved');
      const timer = setTimeout(
        () => void this.#replenish(policy, Math.min(2 * retryMs, LAST_RETRY_MS)),
        retryMs,
      );
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
      });
    }
  }
}
