// The place of one worker, filled by one thread after another: one that fails is replaced, and the next one goes on with the
// SAs that belong to this place.

import { monotonicMs } from '../../base/clock.ts';
import { InvariantError, NativeError } from '../../base/errors.ts';
import { CommandSender } from '../command-sender.ts';
import type { Command } from '../commands.ts';
import type { PacketThread } from '../worker-thread.ts';

export interface WorkerSeatParts {
  /** @param lastAcquireId what the workers before in this place gave out */
  readonly start: (lastAcquireId: number) => PacketThread;
  /** What a worker that takes another one's place is told first. */
  readonly standing: () => readonly Command[];
  /** The worker has failed, and another one takes its place. @param pauseMs after so long */
  readonly onFailed: (cause: Error, pauseMs: number) => void;
  /** The place stays empty. @param isAsked it was to end */
  readonly onGone: (cause: Error, isAsked: boolean) => void;
}

/** Two failures within so many milliseconds may be followed by many: then the next worker waits. */
const SOON_MS = 10_000;
const PAUSE_MS = 1000;
/** More than a worker ever gives out, and few enough that the sum stays an integer. */
const ACQUIRES_OF_A_WORKER = 2 ** 32;

export class WorkerSeat {
  readonly commands: CommandSender = new CommandSender();
  readonly #parts: WorkerSeatParts;
  #workers = 0;
  /** Monotonic milliseconds. */
  #lastFailureMs = -Infinity;
  /** Runs out when the next worker starts. */
  #pause: NodeJS.Timeout | undefined;
  #isStopping = false;
  #isGone = false;

  constructor(parts: WorkerSeatParts) {
    this.#parts = parts;
  }

  /** Fills the place for the first time. */
  start(): void {
    this.#start([]);
  }

  /** Ends the worker that is there; `onGone` tells. */
  stop(cause: Error): void {
    if (this.#isStopping || this.#isGone) return;
    this.#isStopping = true;
    if (this.#pause !== undefined) this.#end(cause);
    // It may fail on the way; then it is gone.
    else this.commands.send({ type: 'stop' }).catch(() => undefined);
  }

  #start(standing: readonly Command[]): void {
    const thread = this.#parts.start(this.#workers++ * ACQUIRES_OF_A_WORKER);
    void thread.ended.then((cause) => {
      // Where a device is lost, the next worker would have none; where it has done nothing, the next one cannot either.
      if (this.#isStopping || cause instanceof NativeError || !thread.hasExecuted) this.#end(cause);
      else this.#replace(cause);
    });
    this.commands.serve(thread, standing);
  }

  #replace(cause: Error): void {
    const nowMs = monotonicMs();
    const pauseMs = nowMs - this.#lastFailureMs < SOON_MS ? PAUSE_MS : 0;
    this.#lastFailureMs = nowMs;
    this.commands.pause(cause);
    this.#parts.onFailed(cause, pauseMs);
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      try {
        // What was executed is noted by now: that is told before any timer runs.
        this.#start(this.#parts.standing());
      } catch (error) {
        this.#end(error instanceof Error ? error : new InvariantError(String(error)));
      }
    }, pauseMs);
  }

  #end(cause: Error): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#isGone = true;
    this.#parts.onGone(cause, this.#isStopping);
  }
}
