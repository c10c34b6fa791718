// The main thread's end of the commands. Those of one turn of its event loop cross in one message, and a worker that is
// at work is not woken: it looks for messages between two batches by itself.

import { EnvironmentError } from '../base/errors.ts';
import { Control, type Command, type ControlWords } from './commands.ts';

export interface CommandSenderParts {
  readonly control: ControlWords;
  /** Hands a message over; the worker may not see it before it is woken. */
  readonly post: (commands: readonly Command[]) => void;
  /** Ends the worker's sleep. */
  readonly wake: () => void;
}

interface Waiting {
  /** The message that its command went with. */
  readonly message: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class CommandSender {
  readonly #parts: CommandSenderParts;
  #unsent: Command[] = [];
  /** Oldest first. */
  readonly #waiting: Waiting[] = [];
  /** Messages, modulo 2^32 as in the control words. */
  #sent: number;
  #isWatching = false;
  #end: Error | undefined;

  constructor(parts: CommandSenderParts) {
    this.#parts = parts;
    this.#sent = Atomics.load(parts.control, Control.sent);
  }

  /** Resolves when the worker has executed the command; rejects where it ended before. */
  async send(command: Command): Promise<void> {
    if (this.#end !== undefined) throw new EnvironmentError('the data plane has ended');
    if (this.#unsent.push(command) === 1)
      queueMicrotask(() => {
        this.#flush();
      });
    const message = (this.#sent + 1) | 0;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ message, resolve, reject });
    });
  }

  /** The worker is gone: nobody waits for it any longer. */
  end(cause: Error): void {
    this.#end = cause;
    this.#unsent = [];
    for (const { reject } of this.#waiting.splice(0)) reject(cause);
  }

  #flush(): void {
    if (this.#end !== undefined) return;
    const commands = this.#unsent;
    this.#unsent = [];
    const { control, post, wake } = this.#parts;
    post(commands);
    this.#sent = (this.#sent + 1) | 0;
    Atomics.store(control, Control.sent, this.#sent);
    // A worker says that it sleeps before it looks at `sent` for the last time: one of the two sees the other.
    if (Atomics.exchange(control, Control.asleep, 0) === 1) wake();
    this.#settle();
  }

  #settle(): void {
    while (this.#waiting.length > 0) {
      const executed = Atomics.load(this.#parts.control, Control.executed);
      // By their difference, which stays right where the words begin anew.
      while (this.#waiting[0] !== undefined && ((executed - this.#waiting[0].message) | 0) >= 0)
        this.#waiting.shift()?.resolve();
      if (this.#isWatching || this.#waiting.length === 0) return;
      const change = Atomics.waitAsync(this.#parts.control, Control.executed, executed);
      if (!change.async) continue;
      this.#isWatching = true;
      void change.value.then(() => {
        this.#isWatching = false;
        this.#settle();
      });
      return;
    }
  }
}
