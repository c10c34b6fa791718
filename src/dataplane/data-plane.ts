// The main thread's side of the data plane: it sends commands, and hears of events. It meets the rest of the
// gateway only here: install and update downwards, events upwards.
//
// A worker that fails is replaced. What it decided by lies with the main thread (in-force.ts, the SAD), what changes with
// packets in shared memory: the next worker goes on with the next sequence number and the same replay windows. It is told
// what the one before has executed, and then, one by one, what that has not. Lost are the packets in flight, those that
// waited for an SA, and what was learned of path MTUs.

import { monotonicMs } from '../base/clock.ts';
import { EnvironmentError, InvariantError, NativeError } from '../base/errors.ts';
import type { SaChange } from '../sad/security-association.ts';
import { CommandSender } from './command-sender.ts';
import type { Command, DataPlaneEvent } from './commands.ts';
import type { NativeAddon } from './native/addon.ts';
import type { Engine } from './engine.ts';
import { IkeAcquaintances } from './ike-acquaintances.ts';
import { IkeSender } from './ike-sender.ts';
import type { IkeSocket } from './ike-socket.ts';
import { InForce } from './in-force.ts';
import { WorkerThread, type PacketThread, type WorkerThreadParts } from './worker-thread.ts';
import type { WorkerInput } from './worker.ts';

/** A data plane that runs, wherever it runs. */
export interface DataPlane {
  /** The engine that runs, whichever was asked for. */
  readonly engine: Engine['name'];
  /** What happens on this thread does not hold packets up, but for the processor that both may want. */
  readonly hasOwnThread: boolean;
  /** The name that the kernel gave to the TUN. */
  readonly tunName: string;
  /** The TUN that packets of BYPASS policies leave by. */
  readonly clearTunName: string;
  /** Empty where there is no IKE. */
  readonly ikeSockets: readonly IkeSocket[];
  /** Whom IKE knows; IKE writes it. */
  readonly acquaintances: IkeAcquaintances;
  /** Resolves when the command has been executed between two batches; rejects where the data plane is gone. */
  send(command: Command): Promise<void>;
  /** Ends the data plane, zeroes the keys that it has and closes its devices. */
  stop(): Promise<void>;
  /** Rejects when the data plane ends without having been asked to. */
  readonly failed: Promise<never>;
}

export interface WorkerDataPlaneParts {
  readonly addon: NativeAddon;
  readonly input: Omit<WorkerInput, 'control' | 'lastAcquireId'>;
  readonly tunName: string;
  readonly clearTunName: string;
  readonly onEvent: (event: DataPlaneEvent) => void;
  /** Every SA that is in force, for a worker that takes another one's place. */
  readonly standingSas: () => readonly SaChange[];
  /** A worker has failed, and another one takes its place. @param pauseMs after so long */
  readonly onWorkerFailed: (cause: Error, pauseMs: number) => void;
  readonly closeDevices: () => void;
  /** Left out: a worker thread. */
  readonly startThread?: (parts: WorkerThreadParts) => PacketThread;
}

/** Two failures within so many milliseconds may be followed by many: then the next worker waits. */
const SOON_MS = 10_000;
const PAUSE_MS = 1000;
/** More than a worker ever gives out, and few enough that the sum stays an integer. */
const ACQUIRES_OF_A_WORKER = 2 ** 32;

export class WorkerDataPlane implements DataPlane {
  readonly engine: Engine['name'];
  readonly hasOwnThread = true;
  readonly tunName: string;
  readonly clearTunName: string;
  readonly ikeSockets: readonly IkeSocket[];
  readonly acquaintances: IkeAcquaintances;
  readonly failed: Promise<never>;
  readonly #parts: WorkerDataPlaneParts;
  readonly #commands = new CommandSender();
  readonly #inForce = new InForce();
  readonly #ikeSender: IkeSender;
  readonly #gone: Promise<void>;
  #noteGone: () => void = () => undefined;
  #noteFailed: (cause: Error) => void = () => undefined;
  #workers = 0;
  /** Monotonic milliseconds. */
  #lastFailureMs = -Infinity;
  /** Runs out when the next worker starts. */
  #pause: NodeJS.Timeout | undefined;
  #isStopping = false;
  #isGone = false;

  constructor(parts: WorkerDataPlaneParts) {
    this.#parts = parts;
    const { addon, input } = parts;
    this.engine = input.engine;
    this.tunName = parts.tunName;
    this.clearTunName = parts.clearTunName;
    this.ikeSockets = input.ikeSockets ?? [];
    this.acquaintances = new IkeAcquaintances(input.acquaintances);
    this.#ikeSender = new IkeSender({
      addon,
      sockets: this.ikeSockets,
      descriptors: input.descriptors.sockets,
      counters: input.counters,
    });
    this.#gone = new Promise((resolve) => {
      this.#noteGone = resolve;
    });
    this.failed = new Promise((_, reject) => {
      this.#noteFailed = reject;
    });
    // Whoever waits on it hears of it; nobody waiting is no unhandled rejection.
    this.failed.catch(() => undefined);
    this.#startWorker([]);
  }

  async send(command: Command): Promise<void> {
    if (command.type === 'start-capture' || command.type === 'stop-capture') this.#ikeSender.take(command);
    // Once they are closed, the numbers of the descriptors may be somebody else's.
    if (command.type === 'send-ike' && !this.#isGone && this.#ikeSender.send(command)) return;
    await this.#commands.send(command);
    this.#inForce.note(command);
  }

  async stop(): Promise<void> {
    if (this.#isGone) return;
    this.#isStopping = true;
    if (this.#pause !== undefined) this.#end();
    // It may fail on the way; then it is gone.
    else this.send({ type: 'stop' }).catch(() => undefined);
    await this.#gone;
  }

  #startWorker(standing: readonly Command[]): void {
    const { addon, input, onEvent } = this.#parts;
    const lastAcquireId = this.#workers++ * ACQUIRES_OF_A_WORKER;
    const threadParts: WorkerThreadParts = {
      input: { ...input, lastAcquireId },
      onEvent: (event) => {
        this.#inForce.noteEvent(event);
        onEvent(event);
      },
      wake: () => {
        addon.signalWakeup(input.descriptors.wakeup);
      },
    };
    const thread = this.#parts.startThread?.(threadParts) ?? new WorkerThread(threadParts);
    void thread.ended.then((cause) => {
      if (this.#isStopping) this.#end();
      // Where a device is lost, the next worker would have none; where it has done nothing, the next one cannot either.
      else if (cause instanceof NativeError || !thread.hasExecuted) this.#fail(cause);
      else this.#replaceWorker(cause);
    });
    this.#commands.serve(thread, standing);
  }

  #replaceWorker(cause: Error): void {
    const nowMs = monotonicMs();
    const pauseMs = nowMs - this.#lastFailureMs < SOON_MS ? PAUSE_MS : 0;
    this.#lastFailureMs = nowMs;
    this.#commands.pause(cause);
    for (const event of this.#inForce.forgetPaths()) this.#parts.onEvent(event);
    this.#parts.onWorkerFailed(cause, pauseMs);
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      try {
        // What was executed is noted by now: that is told before any timer runs.
        this.#startWorker(this.#inForce.commands(this.#parts.standingSas()));
      } catch (error) {
        this.#fail(error instanceof Error ? error : new InvariantError(String(error)));
      }
    }, pauseMs);
  }

  #fail(cause: Error): void {
    this.#end(cause);
    this.#noteFailed(cause);
  }

  #end(cause: Error = new EnvironmentError('the data plane has ended')): void {
    clearTimeout(this.#pause);
    this.#isGone = true;
    // Not before: a worker must not find its descriptors closed, or somebody else's behind their numbers.
    this.#parts.closeDevices();
    this.#commands.end(cause);
    this.#noteGone();
  }
}
