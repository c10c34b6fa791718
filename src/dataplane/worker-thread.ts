// One life of the thread that runs worker.ts, seen from the main thread.

import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { EnvironmentError, InvariantError, NativeError } from '../base/errors.ts';
import type { CommandReceiver } from './command-sender.ts';
import {
  allocateControlWords,
  Control,
  type Command,
  type ControlWords,
  type DataPlaneEvent,
} from './commands.ts';
import type { WorkerInput } from './worker.ts';

export interface WorkerThreadParts {
  readonly input: WorkerInput;
  readonly onEvent: (event: DataPlaneEvent) => void;
  /** Ends the thread's sleep. */
  readonly wake: () => void;
}

/** What the data plane has of a thread that carries packets. */
export interface PacketThread extends CommandReceiver {
  /** Resolves when the thread is gone, all that it said heard, with what it failed of where it has failed. */
  readonly ended: Promise<Error>;
  /** It has executed a command, so it can. */
  readonly hasExecuted: boolean;
}

/** The thread loads its program at once, which takes a while, and then waits to be told with what it begins. */
export class WorkerThread implements PacketThread {
  readonly control: ControlWords = allocateControlWords();
  readonly ended: Promise<Error>;
  readonly #worker: Worker;
  #wake: () => void = () => undefined;

  constructor() {
    // The worker lies beside this file, compiled or not.
    const worker = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), {
      workerData: this.control,
    });
    // Until it begins, nobody waits for it.
    worker.unref();
    this.#worker = worker;
    let cause: Error = new EnvironmentError('the data plane has ended');
    worker.once('error', (error: unknown) => {
      cause = fromWorker(error);
    });
    this.ended = new Promise((resolve) => {
      worker.once('exit', () => {
        resolve(cause);
      });
    });
  }

  /** Once, and before any command. @returns itself */
  begin({ input, onEvent, wake }: WorkerThreadParts): this {
    this.#wake = wake;
    this.#worker.on('message', (event: DataPlaneEvent) => {
      onEvent(event);
      if (event.type === 'ike-datagram') Atomics.add(this.control, Control.ikeTaken, 1);
    });
    this.#worker.ref();
    this.#worker.postMessage(input);
    Atomics.store(this.control, Control.begun, 1);
    Atomics.notify(this.control, Control.begun);
    return this;
  }

  readonly wake = (): void => {
    this.#wake();
  };

  readonly post = (commands: readonly Command[]): void => {
    this.#worker.postMessage(commands);
  };

  /** Instead of {@link begin}. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  get hasExecuted(): boolean {
    return Atomics.load(this.control, Control.executed) !== 0;
  }
}

/** Threads that load while the main thread has other things to do. */
export class SpareThreads<Thread extends { end(): Promise<void> } = WorkerThread> {
  readonly #spare: Thread[];
  readonly #load: () => Thread;

  constructor(threads: number, load: () => Thread) {
    this.#load = load;
    this.#spare = Array.from({ length: threads }, load);
  }

  /** @returns one of them, or a new one where none is left */
  take(): Thread {
    return this.#spare.shift() ?? this.#load();
  }

  /** Ends those that nobody took. */
  async end(): Promise<void> {
    await Promise.all(this.#spare.splice(0).map((thread) => thread.end()));
  }
}

/** An error of the worker lost its class on the way between threads. */
function fromWorker(error: unknown): Error {
  if (!(error instanceof Error)) return new InvariantError(String(error));
  if (error.name !== 'NativeError' || !('code' in error)) return error;
  const { code, systemCall, device } = error as NativeError;
  return new NativeError(error.message, code, systemCall, device);
}
