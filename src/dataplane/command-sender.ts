// The main thread's end of the commands. Those of one turn of its event loop cross in one message, and a worker that is
// at work is not woken: it looks for messages between two batches by itself. What a worker has not said that it executed
// is kept for the one that takes its place.

import { Control, type Command, type ControlWords } from './commands.ts';

/** Who executes commands. */
export interface CommandReceiver {
  /** New ones: as many messages as they say have been executed. */
  readonly control: ControlWords;
  /** Hands a message over; the worker may not see it before it is woken. */
  readonly post: (commands: readonly Command[]) => void;
  /** Ends the worker's sleep. */
  readonly wake: () => void;
}

interface Waiting {
  readonly command: Command;
  /** The number of the message that it went with, modulo 2^32 as in the control words; undefined: it was not sent. */
  message: number | undefined;
  /** Workers that it was sent to. */
  tries: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** No second worker ends of what ended one: it may be the command. */
const MOST_TRIES = 2;

export class CommandSender {
  /** undefined: nobody executes commands just now; they wait. */
  #receiver: CommandReceiver | undefined;
  /** Oldest first. */
  readonly #waiting: Waiting[] = [];
  #willFlush = false;
  #isWatching = false;
  #end: Error | undefined;

  /**
   * From now on this worker executes commands.
   * @param standing what it is told first: all that is in force
   */
  serve(receiver: CommandReceiver, standing: readonly Command[]): void {
    this.#receiver = receiver;
    this.#isWatching = false;
    if (standing.length > 0) this.#post(receiver, standing);
    // Each in a message of its own, so that the one that a worker ends of is known.
    for (const one of this.#waiting) one.message = undefined;
    for (const one of this.#waiting) this.#postWaiting(receiver, [one]);
    this.#settle();
  }

  /** The worker has ended; another one may come. @param cause for a command that has ended too many */
  pause(cause: Error): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    if (receiver === undefined) return;
    this.#resolveExecuted(receiver);
    // Nobody else ends the wait for it.
    Atomics.notify(receiver.control, Control.executed);
    const oldest = this.#waiting[0];
    if (oldest === undefined || oldest.tries < MOST_TRIES) return;
    this.#waiting.shift();
    oldest.reject(cause);
  }

  /** Resolves when a worker has executed the command; rejects where there is none any more. */
  async send(command: Command): Promise<void> {
    if (this.#end !== undefined) throw this.#end;
    if (!this.#willFlush) {
      this.#willFlush = true;
      queueMicrotask(() => {
        this.#willFlush = false;
        this.#flush();
      });
    }
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ command, message: undefined, tries: 0, resolve, reject });
    });
  }

  /** The data plane is gone: nobody waits for it any longer. */
  end(cause: Error): void {
    this.#end = cause;
    this.#receiver = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(cause);
  }

  #flush(): void {
    const receiver = this.#receiver;
    if (receiver === undefined) return;
    const unsent = this.#waiting.filter(({ message }) => message === undefined);
    if (unsent.length > 0) this.#postWaiting(receiver, unsent);
    this.#settle();
  }

  #postWaiting(receiver: CommandReceiver, waiting: readonly Waiting[]): void {
    const commands = waiting.map(({ command }) => command);
    const message = this.#post(receiver, commands);
    for (const one of waiting) {
      one.message = message;
      one.tries++;
    }
  }

  /** @returns the number of the message */
  #post({ control, post, wake }: CommandReceiver, commands: readonly Command[]): number {
    const message = (Atomics.load(control, Control.sent) + 1) | 0;
    post(commands);
    Atomics.store(control, Control.sent, message);
    // A worker says that it sleeps before it looks at `sent` for the last time: one of the two sees the other.
    if (Atomics.exchange(control, Control.asleep, 0) === 1) wake();
    return message;
  }

  #settle(): void {
    const receiver = this.#receiver;
    while (receiver !== undefined && this.#waiting.length > 0) {
      const executed = this.#resolveExecuted(receiver);
      if (this.#isWatching || this.#waiting.length === 0) return;
      const change = Atomics.waitAsync(receiver.control, Control.executed, executed);
      if (!change.async) continue;
      this.#isWatching = true;
      void change.value.then(() => {
        if (this.#receiver !== receiver) return;
        this.#isWatching = false;
        this.#settle();
      });
      return;
    }
  }

  /** @returns the number of messages that have been executed */
  #resolveExecuted({ control }: CommandReceiver): number {
    const executed = Atomics.load(control, Control.executed);
    while (isExecuted(this.#waiting[0], executed)) this.#waiting.shift()?.resolve();
    return executed;
  }
}

/** By the difference of the two numbers, which stays right where the words begin anew. */
function isExecuted(waiting: Waiting | undefined, executed: number): boolean {
  return waiting?.message !== undefined && ((executed - waiting.message) | 0) >= 0;
}
