// Debian's swanctl, for tests: one command after another, or one that goes on and is listened to.

import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Readable } from 'node:stream';
import { FrameReader } from '../../src/management/vici/frame-reader.ts';
import { PacketType } from '../../src/management/vici/packet.ts';

export interface Said {
  readonly status: number | null;
  /** Standard output, then standard error. */
  readonly text: string;
}

type Running = ChildProcessByStdio<null, Readable, null>;

const LIMIT_MS = 20_000;

export class Swanctl {
  readonly #socket: string;
  readonly #uri: string;
  readonly #running: Running[] = [];
  readonly #directory: string | undefined;

  /**
   * @param socket of a gateway
   * @param directory with swanctl.conf and what belongs to it
   */
  constructor(socket: string, directory?: string) {
    this.#socket = socket;
    this.#directory = directory;
    this.#uri = `unix://${socket}`;
  }

  /** Runs a command to its end. */
  run(...args: readonly string[]): Said {
    const { status, stdout, stderr } = spawnSync('swanctl', [...args, '--uri', this.#uri], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
      ...(this.#directory !== undefined && { env: { ...process.env, SWANCTL_DIR: this.#directory } }),
    });
    return { status, text: `${stdout}${stderr}` };
  }

  /**
   * Starts a command that does not end by itself.
   * @param events that it registers for; it is heard when the gateway has confirmed so many
   */
  async listen(command: string, events: number): Promise<Listening> {
    const path = `${this.#socket}.${command.slice(2)}`;
    const confirmed = new Promise<void>((resolve, reject) => {
      let count = 0;
      const proxy = createServer((client) => {
        const reader = new FrameReader();
        const gateway = connect(this.#socket);
        gateway.on('data', (chunk: Buffer) => {
          for (const [type] of reader.take(chunk)) if (type === PacketType.EVENT_CONFIRM) count++;
          if (count === events) resolve();
        });
        gateway.on('error', reject);
        client.on('error', reject);
        gateway.pipe(client);
        client.pipe(gateway);
        proxy.close();
      }).listen(path);
    });
    // Line by line, so that it is seen what it has been told.
    const child = spawn('stdbuf', ['-oL', 'swanctl', command, '--uri', `unix://${path}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#running.push(child);
    const listening = new Listening(child);
    await confirmed;
    return listening;
  }

  async close(): Promise<void> {
    for (const child of this.#running) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const closed = once(child, 'exit');
      child.kill('SIGKILL');
      await closed;
    }
  }
}

class Listening {
  readonly #child: Running;
  readonly #closed: Promise<unknown>;
  #text = '';

  constructor(child: Running) {
    this.#child = child;
    this.#closed = once(child, 'close');
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#text += text));
  }

  /** Waits until it has written what matches, then ends it as Ctrl-C does. @returns all that it wrote */
  async end(last: RegExp): Promise<string> {
    const deadline = AbortSignal.timeout(LIMIT_MS);
    while (!last.test(this.#text)) {
      await once(this.#child.stdout, 'data', { signal: deadline }).catch((cause: unknown) => {
        throw new Error(`expected ${String(last)}, got:\n${this.#text}`, { cause });
      });
    }
    this.#child.kill('SIGINT');
    await this.#closed;
    return this.#text;
  }
}
