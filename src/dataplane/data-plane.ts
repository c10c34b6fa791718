// The main thread's side of the data plane: it sends commands, and hears of events. It meets the rest of the
// gateway only here: install and update downwards, events upwards.
//
// A worker that fails is replaced. What it decided by lies with the main thread (in-force.ts, the SAD), what changes with
// packets in shared memory: the next worker goes on with the next sequence number and the same replay windows. It is told
// what the one before has executed, and then, one by one, what that has not. Lost are the packets in flight, those that
// waited for an SA, and what was learned of path MTUs.
//
// Of several workers each is told the same, and makes of it what is its own (workers/share.ts). What one finds out by
// itself, the others are told from here.

import { EnvironmentError, InvariantError } from '../base/errors.ts';
import type { SaChange } from '../sad/security-association.ts';
import type { Command, DataPlaneEvent } from './commands.ts';
import type { Counters } from './counters.ts';
import type { NativeAddon } from './native/addon.ts';
import type { Engine } from './engine.ts';
import { IkeAcquaintances } from './ike-acquaintances.ts';
import { IkeSender } from './ike-sender.ts';
import type { IkeSocket } from './ike-socket.ts';
import { InForce } from './in-force.ts';
import type { NativeDescriptors } from './native/native-devices.ts';
import type { PacketThread, WorkerThreadParts } from './worker-thread.ts';
import type { WorkerInput } from './worker.ts';
import { Broadcast } from './workers/broadcast.ts';
import { allocateHandOverRings } from './workers/hand-over.ts';
import { FIRST_WORKER } from './workers/share.ts';
import { WorkerSeat } from './workers/worker-seat.ts';

/** A data plane that runs, wherever it runs. */
export interface DataPlane {
  /** The engine that runs, whichever was asked for. */
  readonly engine: Engine['name'];
  /** What happens on this thread does not hold packets up, but for the processor that both may want. */
  readonly hasOwnThread: boolean;
  /** Threads that carry packets; 1 where they have none of their own. */
  readonly workers: number;
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
  readonly input: Omit<WorkerInput, 'lastAcquireId' | 'descriptors' | 'counters' | 'share' | 'others'>;
  /** Of each worker. */
  readonly descriptors: readonly NativeDescriptors[];
  readonly counters: readonly Counters[];
  readonly tunName: string;
  readonly clearTunName: string;
  readonly onEvent: (event: DataPlaneEvent) => void;
  /** Every SA that is in force, for a worker that takes another one's place. */
  readonly standingSas: () => readonly SaChange[];
  /** A worker has failed, and another one takes its place. @param pauseMs after so long @param worker its number */
  readonly onWorkerFailed: (cause: Error, pauseMs: number, worker: number) => void;
  readonly closeDevices: () => void;
  readonly startThread: (parts: WorkerThreadParts) => PacketThread;
}

export class WorkerDataPlane implements DataPlane {
  readonly engine: Engine['name'];
  readonly hasOwnThread = true;
  readonly workers: number;
  readonly tunName: string;
  readonly clearTunName: string;
  readonly ikeSockets: readonly IkeSocket[];
  readonly acquaintances: IkeAcquaintances;
  readonly failed: Promise<never>;
  readonly #parts: WorkerDataPlaneParts;
  readonly #seats: readonly WorkerSeat[];
  readonly #broadcast: Broadcast;
  readonly #inForce = new InForce();
  readonly #ikeSender: IkeSender;
  readonly #gone: Promise<void>;
  #noteGone: () => void = () => undefined;
  #noteFailed: (cause: Error) => void = () => undefined;
  #seatsLeft: number;
  #cause: Error | undefined;
  #isStopping = false;
  #isGone = false;

  constructor(parts: WorkerDataPlaneParts) {
    this.#parts = parts;
    const { addon, input, descriptors, counters } = parts;
    this.engine = input.engine;
    this.workers = descriptors.length;
    this.tunName = parts.tunName;
    this.clearTunName = parts.clearTunName;
    this.ikeSockets = input.ikeSockets ?? [];
    this.acquaintances = new IkeAcquaintances(input.acquaintances);
    this.#ikeSender = new IkeSender({
      addon,
      sockets: this.ikeSockets,
      descriptors: at(descriptors, FIRST_WORKER).sockets,
      counters: at(counters, FIRST_WORKER),
    });
    this.#gone = new Promise((resolve) => {
      this.#noteGone = resolve;
    });
    this.failed = new Promise((_, reject) => {
      this.#noteFailed = reject;
    });
    // Whoever waits on it hears of it; nobody waiting is no unhandled rejection.
    this.failed.catch(() => undefined);
    this.#seatsLeft = this.workers;
    this.#seats = this.#createSeats();
    const senders = this.#seats.map(({ commands }) => commands);
    this.#broadcast = new Broadcast(senders, (cause) => {
      if (!this.#isStopping) this.#fail(cause);
    });
    for (const seat of this.#seats) seat.start();
  }

  async send(command: Command): Promise<void> {
    if (command.type === 'start-capture' || command.type === 'stop-capture') this.#ikeSender.take(command);
    // Once they are closed, the numbers of the descriptors may be somebody else's.
    if (command.type === 'send-ike' && !this.#isGone && this.#ikeSender.send(command)) return;
    const isForFirst = command.type === 'send-ike' || command.type === 'acquire-done';
    if (this.workers === 1 || isForFirst) await at(this.#seats, FIRST_WORKER).commands.send(command);
    else await this.#broadcast.send(command);
    this.#inForce.note(command);
  }

  async stop(): Promise<void> {
    if (this.#isGone) return;
    this.#isStopping = true;
    this.#stopSeats(ended());
    await this.#gone;
  }

  #createSeats(): readonly WorkerSeat[] {
    const { addon, input, descriptors, counters } = this.#parts;
    const rings = this.workers === 1 ? undefined : allocateHandOverRings(this.workers);
    const wakeups = descriptors.map(({ wakeup }) => wakeup);
    return descriptors.map(
      (own, index) =>
        new WorkerSeat({
          start: (lastAcquireId) =>
            this.#parts.startThread({
              input: {
                ...input,
                lastAcquireId,
                descriptors: own,
                counters: at(counters, index),
                share: { index, count: this.workers },
                others: rings && { rings, wakeups },
              },
              onEvent: (event) => {
                this.#pass(event, index, this.#inForce.noteEvent(event, index));
              },
              wake: () => {
                addon.signalWakeup(own.wakeup);
              },
            }),
          standing: () => this.#standing(index),
          onFailed: (cause, pauseMs) => {
            for (const event of this.#inForce.forgetPaths(index)) this.#pass(event, index, true);
            this.#parts.onWorkerFailed(cause, pauseMs, index);
          },
          onGone: (cause, isAsked) => {
            this.#noteSeatGone(cause, isAsked);
          },
        }),
    );
  }

  /** What the next worker of a place is told: what all go by, and then what only some of them have executed yet. */
  #standing(worker: number): readonly Command[] {
    return [...this.#inForce.commands(this.#parts.standingSas()), ...this.#broadcast.executedBy(worker)];
  }

  /** Passes an event of a worker on. What it found out by itself the others hear. */
  #pass(event: DataPlaneEvent, worker: number, isNews: boolean): void {
    const tell = (): void => {
      this.#parts.onEvent(event);
    };
    if (this.workers === 1) {
      tell();
      return;
    }
    switch (event.type) {
      case 'expire':
        // The SAD gives its memory to another SA as soon as it hears of it.
        if (!event.hard) break;
        void this.#quietly({ type: `remove-${event.direction}`, sa: event.sa }).then(tell);
        return;
      case 'address-changed':
        // The one that has seen it too: it may have been told something else by IKE meanwhile.
        void this.#quietly({ type: 'peer-seen', peer: event.peer, endpoint: event.endpoint });
        break;
      case 'path-mtu':
        this.#seats.forEach(({ commands }, other) => {
          if (other === worker) return;
          commands.send({ type: 'path-learned', peer: event.peer, mtu: event.mtu }).catch(() => undefined);
        });
        if (!isNews) return;
        break;
      default:
        break;
    }
    tell();
  }

  /** Where the data plane is gone, so are its workers, and nobody is to be told. */
  #quietly(command: Command): Promise<void> {
    return this.send(command).catch(() => undefined);
  }

  #noteSeatGone(cause: Error, isAsked: boolean): void {
    this.#seatsLeft--;
    if (!isAsked) this.#cause ??= cause;
    if (this.#seatsLeft > 0) this.#stopSeats(cause);
    else this.#end();
  }

  /** The data plane cannot go on. */
  #fail(cause: Error): void {
    this.#cause ??= cause;
    this.#stopSeats(cause);
  }

  #stopSeats(cause: Error): void {
    for (const seat of this.#seats) seat.stop(cause);
  }

  #end(): void {
    const cause = this.#cause ?? ended();
    this.#isGone = true;
    // Not before: a worker must not find its descriptors closed, or somebody else's behind their numbers.
    this.#parts.closeDevices();
    for (const { commands } of this.#seats) commands.end(cause);
    this.#noteGone();
    if (this.#cause !== undefined && !this.#isStopping) this.#noteFailed(this.#cause);
  }
}

function ended(): Error {
  return new EnvironmentError('the data plane has ended');
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new InvariantError(`the data plane has no worker ${index}`);
  return found;
}
