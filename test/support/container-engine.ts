// Docker's engine with everything of its own: data, socket, mounts and processes, and where wanted its network. All of
// it ends with the caller. Debian's docker.io.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { runCommand, runOrThrow, spawnCommand, type CommandResult } from '../../scripts/topology/command.ts';

const READY_LIMIT_MS = 60_000;
const ASK_AGAIN_MS = 100;
const LOG_LINES = 20;
/** Builds reach the network as this machine does; the engine makes no bridge and no rule. */
const WITHOUT_NETWORK = ['--bridge=none', '--iptables=false', '--ip-forward=false', '--ip-masq=false'];

export class ContainerEngine {
  readonly #directory: string;
  readonly #process: ChildProcess;
  readonly #closed: Promise<unknown>;

  private constructor(directory: string, process: ChildProcess) {
    this.#directory = directory;
    this.#process = process;
    this.#closed = once(process, 'close');
  }

  /**
   * @param directory keeps images from one engine to the next; one runs at a time
   * @param enter the sandbox whose network it may use as it likes; left out, it can build and nothing else
   */
  static async start(directory: string, enter?: readonly string[]): Promise<ContainerEngine> {
    await mkdir(directory, { recursive: true });
    const log = openSync(join(directory, 'log'), 'a');
    const options = [
      ...['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')],
      ...['--pidfile', join(directory, 'pid'), '--host', `unix://${join(directory, 'socket')}`],
      ...(enter === undefined ? WITHOUT_NETWORK : []),
    ];
    const within = enter ?? ['setpriv', '--pdeathsig', 'KILL', '--'];
    const namespaces = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'];
    const process = spawnCommand([...within, ...namespaces, 'dockerd', ...options], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const engine = new ContainerEngine(directory, process);
    await engine.#isReady();
    return engine;
  }

  /** @returns standard output */
  async docker(...argv: readonly string[]): Promise<string> {
    return this.client('docker', ...argv);
  }

  /** A program that speaks to the engine. @returns standard output */
  async client(program: string, ...argv: readonly string[]): Promise<string> {
    return runOrThrow(this.#command(program, argv));
  }

  /** A bad exit code is the caller's business. */
  async tryDocker(...argv: readonly string[]): Promise<CommandResult> {
    return runCommand(this.#command('docker', argv));
  }

  /** Containers that still run are stopped. */
  async stop(): Promise<void> {
    const { pid, exitCode } = this.#process;
    if (pid !== undefined && exitCode === null) {
      const children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8');
      process.kill(Number(children.trim()), 'SIGTERM');
    }
    await this.#closed;
  }

  #command(program: string, argv: readonly string[]): readonly string[] {
    const environment = [
      `DOCKER_HOST=unix://${join(this.#directory, 'socket')}`,
      // No settings of whoever runs the tests; and the builder that needs no plugin.
      ...[`DOCKER_CONFIG=${this.#directory}`, 'DOCKER_BUILDKIT=0'],
    ];
    return ['env', ...environment, program, ...argv];
  }

  async #isReady(): Promise<void> {
    const endMs = performance.now() + READY_LIMIT_MS;
    while ((await this.tryDocker('info')).exitCode !== 0) {
      if (this.#process.exitCode !== null || performance.now() > endMs)
        throw new Error(`dockerd does not answer\n${this.#lastWords()}`);
      await sleep(ASK_AGAIN_MS);
    }
  }

  #lastWords(): string {
    return readFileSync(join(this.#directory, 'log'), 'utf8').split('\n').slice(-LOG_LINES).join('\n');
  }
}
