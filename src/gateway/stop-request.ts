// When the gateway is asked to end: SIGTERM, SIGINT, or by the gateway itself. The listeners stay until
// everything is undone, so that a second signal does not cut that short.

import type { Logger } from '../base/log.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

export class StopRequest {
  /** Resolves at the first signal. */
  readonly requested: Promise<void>;
  readonly #log: Logger;
  readonly #listener: (signal: NodeJS.Signals) => void;
  readonly #resolve: () => void;
  #requested = false;
  #acknowledged = false;

  constructor(log: Logger) {
    this.#log = log;
    let resolve: () => void = () => undefined;
    this.requested = new Promise((done) => {
      resolve = done;
    });
    this.#resolve = resolve;
    this.#listener = (signal) => {
      if (this.#acknowledged) log.info({ signal }, 'stopping already');
      this.request();
    };
    for (const signal of SIGNALS) process.on(signal, this.#listener);
  }

  get isRequested(): boolean {
    return this.#requested;
  }

  request(): void {
    this.#requested = true;
    this.#resolve();
  }

  /** The gateway begins to stop, whether it was asked to or not. */
  acknowledge(): void {
    this.#acknowledged = true;
    if (this.#requested) this.#log.info('stopping');
  }

  dispose(): void {
    for (const signal of SIGNALS) process.off(signal, this.#listener);
  }
}
