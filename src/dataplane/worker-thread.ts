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
  readonly input: Omit<WorkerInput, 'control'>;
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

export class WorkerThread implements PacketThread {
  readonly control: ControlWords = allocateControlWords();
  readonly wake: () => void;
  readonly ended: Promise<Error>;
  readonly #worker: Worker;

  constructor({ input, onEvent, wake }: WorkerThreadParts) {
    this.wake = wake;
    const workerData: WorkerInput = { ...input, control: this.control };
    // The worker lies beside this file, compiled or not.
    const worker = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), {
      workerData,
    });
    this.#worker = worker;
    worker.on('message', (event: DataPlaneEvent) => {
      onEvent(event);
      if (event.type === 'ike-datagram') Atomics.add(this.control, Control.ikeTaken, 1);
    });
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

  readonly post = (commands: readonly Command[]): void => {
    this.#worker.postMessage(commands);
  };

  get hasExecuted(): boolean {
    return Atomics.load(this.control, Control.executed) !== 0;
  }
}

/** An error of the worker lost its class on the way between threads. */
function fromWorker(error: unknown): Error {
  if (!(error instanceof Error)) return new InvariantError(String(error));
  if (error.name !== 'NativeError' || !('code' in error)) return error;
  const { code, systemCall, device } = error as NativeError;
  return new NativeError(error.message, code, systemCall, device);
}
