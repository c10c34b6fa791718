// A program of a peer that runs until it is stopped, with the last of what it said for the error message.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Place } from '../topology/plan.ts';
import type { Topology } from '../topology/topology.ts';

const KEPT_OUTPUT_CHARACTERS = 4000;
const STOP_MS = 5000;
const POLL_MS = 20;

export class Daemon {
  readonly place: Place;
  /** Of the program itself: nothing stands between. */
  readonly processId: number;
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #output = '';
  #hasEnded = false;

  constructor(
    topology: Topology,
    place: Place,
    argv: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    input: 'ignore' | 'pipe' = 'ignore',
  ) {
    this.place = place;
    this.#name = `${argv[0] ?? ''} at ${place}`;
    const child = topology.spawn(place, argv, { stdio: [input, 'pipe', 'pipe'], environment });
    if (child.pid === undefined) throw new Error(`${this.#name} could not be started`);
    this.processId = child.pid;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-KEPT_OUTPUT_CHARACTERS);
      });
    }
    this.#ended = once(child, 'close').then(() => {
      this.#hasEnded = true;
    });
  }

  /** The last of what it said. */
  get output(): string {
    return this.#output;
  }

  /** Writes to its standard input, which must be a pipe. @param line undefined: it ends */
  tell(line?: string): void {
    if (line === undefined) this.#child.stdin?.end();
    else this.#child.stdin?.write(`${line}\n`);
  }

  /** Throws with the program's last words where it is gone. */
  checkAlive(): void {
    if (this.#hasEnded) throw new Error(`${this.#name} ended: ${this.#lastLines()}`);
  }

  /** Waits until `condition` holds; throws where the program ends or the time is over. */
  async waitUntil(condition: () => boolean, what: string, timeoutMs = 15_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!condition()) {
      this.checkAlive();
      if (performance.now() > deadline) {
        throw new Error(`${this.#name}: no ${what} after ${timeoutMs} ms: ${this.#lastLines()}`);
      }
      await sleep(POLL_MS);
    }
  }

  /** SIGTERM, and SIGKILL where that does not help in time. */
  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  #lastLines(): string {
    return this.#output.trim().split('\n').slice(-3).join(' | ') || 'no output';
  }
}
