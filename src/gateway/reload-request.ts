// When the gateway is asked to read its configuration again: SIGHUP, as daemons have it. The end of the terminal it was
// started from is SIGHUP too; then there is nobody left to speak to, and it stops.

import { closeSync, openSync } from 'node:fs';

export class ReloadRequest {
  readonly #onTerminalGone: () => void;
  readonly #hasTerminal: boolean;
  #onReload: (() => void) | undefined;
  #isPending = false;

  constructor(onTerminalGone: () => void, hasTerminal: boolean = process.stderr.isTTY) {
    this.#onTerminalGone = onTerminalGone;
    this.#hasTerminal = hasTerminal;
    process.on('SIGHUP', this.#listener);
  }

  /** Calls `reload` at every SIGHUP, one that came before included. */
  serve(reload: () => void): void {
    this.#onReload = reload;
    if (this.#isPending) reload();
    this.#isPending = false;
  }

  dispose(): void {
    process.off('SIGHUP', this.#listener);
  }

  readonly #listener = (): void => {
    if (this.#hasTerminal && isTerminalGone()) this.#onTerminalGone();
    else if (this.#onReload === undefined) this.#isPending = true;
    else this.#onReload();
  };
}

function isTerminalGone(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return false;
  } catch {
    // ENXIO: no terminal controls this process any more.
    return true;
  }
}
