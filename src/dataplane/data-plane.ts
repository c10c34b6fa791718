// The main thread's side of the data plane: it sends commands, and hears of events. It meets the rest of the
// gateway only here: install and update downwards, events upwards.

import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { EnvironmentError, InvariantError, NativeError } from '../base/errors.ts';
import { CommandSender } from './command-sender.ts';
import { allocateControlWords, Control, type Command, type DataPlaneEvent } from './commands.ts';
import type { NativeAddon } from './native/addon.ts';
import type { Engine } from './engine.ts';
import { IkeSender } from './ike-sender.ts';
import type { IkeSocket } from './ike-socket.ts';
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
  /** Resolves when the command has been executed between two batches; rejects where the data plane is gone. */
  send(command: Command): Promise<void>;
  /** Ends the data plane, zeroes its keys and closes its devices. */
  stop(): Promise<void>;
  /** Rejects when the data plane ends without having been asked to. */
  readonly failed: Promise<never>;
}

export class WorkerDataPlane implements DataPlane {
  readonly engine: Engine['name'];
  readonly hasOwnThread = true;
  readonly tunName: string;
  readonly clearTunName: string;
  readonly ikeSockets: readonly IkeSocket[];
  readonly failed: Promise<never>;
  readonly #commands: CommandSender;
  readonly #ikeSender: IkeSender;
  readonly #exited: Promise<void>;
  #stopping = false;
  #gone = false;

  constructor(
    addon: NativeAddon,
    input: Omit<WorkerInput, 'control'>,
    onEvent: (event: DataPlaneEvent) => void,
    tun: { readonly name: string; readonly clearName: string; readonly closeDevices: () => void },
  ) {
    this.engine = input.engine;
    this.tunName = tun.name;
    this.clearTunName = tun.clearName;
    this.ikeSockets = input.ikeSockets ?? [];
    const control = allocateControlWords();
    const workerData: WorkerInput = { ...input, control };
    // The worker lies beside this file, compiled or not.
    const worker = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), {
      workerData,
    });
    this.#commands = new CommandSender({
      control,
      post: (commands) => {
        worker.postMessage(commands);
      },
      wake: () => {
        addon.signalWakeup(input.descriptors.wakeup);
      },
    });
    this.#ikeSender = new IkeSender({
      addon,
      sockets: this.ikeSockets,
      descriptors: input.descriptors.sockets,
      counters: input.counters,
    });
    worker.on('message', (event: DataPlaneEvent) => {
      onEvent(event);
      if (event.type === 'ike-datagram') Atomics.add(control, Control.ikeTaken, 1);
    });
    let cause: Error = new EnvironmentError('the data plane has ended');
    worker.once('error', (error: unknown) => {
      cause = fromWorker(error);
    });
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#gone = true;
        // Not before: a worker must not find its descriptors closed, or somebody else's behind their numbers.
        tun.closeDevices();
        this.#commands.end(cause);
        resolve();
      });
    });
    this.failed = this.#exited.then(() => {
      if (!this.#stopping) throw cause;
      return new Promise<never>(() => undefined);
    });
    // Whoever waits on it hears of it; nobody waiting is no unhandled rejection.
    this.failed.catch(() => undefined);
  }

  async send(command: Command): Promise<void> {
    if (command.type === 'start-capture' || command.type === 'stop-capture') this.#ikeSender.take(command);
    // Once the worker is gone the descriptors are closed, and their numbers may be somebody else's.
    if (command.type === 'send-ike' && !this.#gone && this.#ikeSender.send(command)) return;
    await this.#commands.send(command);
  }

  async stop(): Promise<void> {
    if (this.#gone) return;
    this.#stopping = true;
    await Promise.race([this.send({ type: 'stop' }), this.#exited]);
    await this.#exited;
  }
}

/** An error of the worker lost its class on the way between threads. */
function fromWorker(error: unknown): Error {
  if (!(error instanceof Error)) return new InvariantError(String(error));
  if (error.name !== 'NativeError' || !('code' in error)) return error;
  const { code, systemCall, device } = error as NativeError;
  return new NativeError(error.message, code, systemCall, device);
}
