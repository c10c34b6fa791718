// One VM: qemu with software emulation, whose second serial port is a shell (init.sh). It ends with this process.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';

import { EnvironmentError } from '../../src/base/errors.ts';
import { holdsWithin } from '../lab/process-identity.ts';
import { spawnCommand } from '../topology/command.ts';
import type { VmImage } from './vm-image.ts';

export type Site = 'a' | 'b';

const MEMORY_MIB = 1280;
const SOCKET_LIMIT_MS = 10_000;
/** Emulation is slow, and the machine may be busy with other things. */
const ANSWER_LIMIT_MS = 300_000;

export interface Answer {
  readonly output: string;
  readonly exitCode: number;
}

export class Vm {
  readonly #site: Site;
  readonly #qemu: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #shell: Socket;
  #said = '';

  private constructor(site: Site, qemu: ChildProcess, closed: Promise<unknown>, shell: Socket) {
    this.#site = site;
    this.#qemu = qemu;
    this.#closed = closed;
    this.#shell = shell;
    shell.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
  }

  /** Powers it on; its network card is wired to the other site's. */
  static async start(site: Site, image: VmImage, directory: string): Promise<Vm> {
    const shellPath = join(directory, `shell-${site}`);
    const wire = (end: Site): string => join(directory, `wan-${end}`);
    const other = site === 'a' ? 'b' : 'a';
    const complaintsFile = join(directory, `qemu-${site}`);
    const complaints = openSync(complaintsFile, 'w');
    const qemu = spawnCommand(
      [
        ...['setpriv', '--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', '-accel', 'tcg', '-cpu', 'max'],
        ...['-m', String(MEMORY_MIB), '-nodefaults', '-no-user-config', '-display', 'none'],
        ...['-kernel', image.kernel, '-initrd', image.root],
        ...['-append', `console=ttyS0 quiet panic=-1 site=${site}`],
        ...['-serial', `file:${join(directory, `console-${site}`)}`],
        // It waits for its reader: nothing that it says is lost.
        ...['-chardev', `socket,id=shell,path=${shellPath},server=on,wait=on`, '-serial', 'chardev:shell'],
        '-netdev',
        `dgram,id=wan,local.type=unix,local.path=${wire(site)},remote.type=unix,remote.path=${wire(other)}`,
        ...['-device', `virtio-net-pci,netdev=wan,mac=52:54:00:00:00:0${site}`],
      ],
      { stdio: ['ignore', 'ignore', complaints] },
    );
    closeSync(complaints);
    const closed = once(qemu, 'close');
    const isThere = (): boolean => existsSync(shellPath) || qemu.exitCode !== null;
    if (!(await holdsWithin(isThere, SOCKET_LIMIT_MS)) || qemu.exitCode !== null)
      throw new EnvironmentError(
        `the VM of site ${site} did not start\n${readFileSync(complaintsFile, 'utf8')}`,
      );
    const shell = connect(shellPath);
    await once(shell, 'connect');
    return new Vm(site, qemu, closed, shell);
  }

  /** Waits until it has booted; after each boot once. */
  async booted(): Promise<void> {
    await this.#until(/^ready\r?\n/);
  }

  /** Runs a line of shell, and does not wait for its end. */
  tell(command: string): void {
    this.#shell.write(`${command}\n`);
  }

  /** Runs a line of shell. A bad exit code is the caller's business. */
  async run(command: string): Promise<Answer> {
    this.tell(command);
    const [all, code] = await this.#until(/^exit (\d+)\r?\n/m);
    return { output: all.slice(0, all.lastIndexOf('exit ')), exitCode: Number(code) };
  }

  async stop(): Promise<void> {
    this.#shell.destroy();
    this.#qemu.kill('SIGKILL');
    await this.#closed;
  }

  /** Takes what it said, up to the end of a pattern. @returns that, and the pattern's first group */
  async #until(pattern: RegExp): Promise<readonly [string, string | undefined]> {
    const holds = (): boolean => pattern.test(this.#said) || this.#qemu.exitCode !== null;
    await holdsWithin(holds, ANSWER_LIMIT_MS);
    const found = pattern.exec(this.#said);
    if (found === null)
      throw new EnvironmentError(`the VM of site ${this.#site} did not answer\n${this.#said}`);
    const end = found.index + found[0].length;
    const taken = this.#said.slice(0, end);
    this.#said = this.#said.slice(end);
    return [taken, found[1]];
  }
}
