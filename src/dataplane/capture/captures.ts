// The captures of one packet path: none, nearly always, and then there is no tap and a packet pays nothing for it.

import { InvariantError } from '../../base/errors.ts';
import type { CaptureCommand, CapturedSocket } from './capture-commands.ts';
import { Capture } from './capture.ts';
import { CaptureTap, type CaptureTapParts } from './capture-tap.ts';

export interface CapturesParts extends CaptureTapParts {
  /** The number of this worker. */
  readonly worker: number;
}

export class Captures {
  readonly #parts: CapturesParts;
  #running: readonly Capture[] = [];
  #sockets: readonly CapturedSocket[] = [];
  /** undefined: nobody captures. It changes between two batches only. */
  tap: CaptureTap | undefined = undefined;

  constructor(parts: CapturesParts) {
    this.#parts = parts;
  }

  execute(command: CaptureCommand): void {
    this.tap?.publish();
    if (command.type === 'start-capture') {
      // A ring has one writer.
      if (this.#running.some(({ id }) => id === command.id)) return;
      this.#sockets = command.sockets;
      const ring = command.memories[this.#parts.worker];
      if (ring === undefined) throw new InvariantError('a capture has no ring for this worker');
      this.#running = [...this.#running, new Capture(command, ring, this.#parts.memory.limits.openJobs)];
    } else this.#running = this.#running.filter(({ id }) => id !== command.id);
    this.tap =
      this.#running.length === 0 ? undefined : new CaptureTap(this.#parts, this.#running, this.#sockets);
  }
}
