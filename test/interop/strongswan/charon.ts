// strongSwan with kernel-libipsec (IKEv2, and ESP in UDP in userspace) in one place of a topology, driven by swanctl.

import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Daemon } from '../../../scripts/bench/daemon.ts';
import type { Place } from '../../../scripts/topology/plan.ts';
import type { Topology } from '../../../scripts/topology/topology.ts';

/** The binary's name is the section of its configuration. */
const CHARON = '/usr/sbin/charon-systemd';
const PLUGINS =
  'aesni random nonce openssl pem pkcs1 pkcs8 x509 revocation pubkey constraints hmac kdf curve25519 chapoly gcm ccm kernel-libipsec kernel-netlink socket-default vici';
const COMMAND_LIMIT_MS = 20_000;
const MOST_TRIES = 50;

export interface CharonOptions {
  /** swanctl.conf. */
  readonly configuration: string;
  /** By their paths in the directory of swanctl: `x509/gw.pem`, `private/gw.pem`. */
  readonly files?: Readonly<Record<string, string>>;
  /** More of the section charon-systemd. */
  readonly settings?: string;
}

export class Charon {
  readonly #topology: Topology;
  readonly #place: Place;
  readonly #directory: string;
  #daemon: Daemon;

  private constructor(topology: Topology, place: Place, directory: string, daemon: Daemon) {
    this.#topology = topology;
    this.#place = place;
    this.#directory = directory;
    this.#daemon = daemon;
  }

  /** @param directory for its files; not there yet */
  static async start(
    topology: Topology,
    place: Place,
    directory: string,
    { configuration, settings = '', files = {} }: CharonOptions,
  ): Promise<Charon> {
    await mkdir(join(directory, 'swanctl'), { recursive: true });
    await writeFile(join(directory, 'strongswan.conf'), strongswanConf(directory, settings));
    await writeFile(join(directory, 'swanctl', 'swanctl.conf'), configuration, { mode: 0o600 });
    for (const [path, text] of Object.entries(files)) {
      const file = join(directory, 'swanctl', path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text, { mode: 0o600 });
    }
    const charon = new Charon(topology, place, directory, spawn(topology, place, directory));
    await charon.#ready();
    return charon;
  }

  async #ready(): Promise<void> {
    const socket = join(this.#directory, 'charon.vici');
    await this.#daemon.waitUntil(() => existsSync(socket), 'vici socket');
    await this.swanctl('--load-all');
  }

  /** SIGKILL, as a crash would be, and once more from the beginning. The log goes on. */
  async crash(): Promise<void> {
    process.kill(this.processId, 'SIGKILL');
    await this.#daemon.stop();
    await rm(join(this.#directory, 'charon.vici'), { force: true });
    this.#daemon = spawn(this.#topology, this.#place, this.#directory);
    await this.#ready();
  }

  get processId(): number {
    return this.#daemon.processId;
  }

  /** What charon has logged. */
  get log(): string {
    return readFileSync(join(this.#directory, 'charon.log'), 'utf8');
  }

  /** @returns what swanctl printed @throws where it fails */
  async swanctl(...args: readonly string[]): Promise<string> {
    const { command } = this.#swanctl(args);
    return this.#topology.runOrThrow(this.#place, command, { timeoutMs: COMMAND_LIMIT_MS });
  }

  /** Until it succeeds: what was made or replaced last is not known to charon at once. */
  async rekey(...what: readonly string[]): Promise<void> {
    const { command } = this.#swanctl(['--rekey', ...what]);
    for (let left = MOST_TRIES; ; left--) {
      const { exitCode } = await this.#topology.run(this.#place, command, { timeoutMs: COMMAND_LIMIT_MS });
      if (exitCode === 0) return;
      if (left === 0) throw new Error(`charon does not rekey: ${command.join(' ')}`);
    }
  }

  /** For what may fail. @returns what swanctl printed */
  async trySwanctl(...args: readonly string[]): Promise<string> {
    const { command } = this.#swanctl(args);
    const { stdout, stderr } = await this.#topology.run(this.#place, command, {
      timeoutMs: COMMAND_LIMIT_MS,
    });
    return stdout + stderr;
  }

  #swanctl(args: readonly string[]): { readonly command: readonly string[] } {
    const environment = Object.entries(environmentOf(this.#directory)).map(
      ([name, value]) => `${name}=${value}`,
    );
    const uri = `unix://${join(this.#directory, 'charon.vici')}`;
    return { command: ['env', ...environment, 'swanctl', ...args, '--uri', uri] };
  }

  /** Waits until the log holds `text` so many times. */
  async logged(text: string, times = 1): Promise<void> {
    const has = (): boolean => this.log.split(text).length > times;
    await this.#daemon.waitUntil(has, `"${text}" in the log`);
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }
}

function spawn(topology: Topology, place: Place, directory: string): Daemon {
  return new Daemon(topology, place, [CHARON], environmentOf(directory));
}

function environmentOf(directory: string): Record<string, string> {
  return { STRONGSWAN_CONF: join(directory, 'strongswan.conf'), SWANCTL_DIR: join(directory, 'swanctl') };
}

// kernel-libipsec comes before kernel-netlink: the first that offers ESP is taken.
function strongswanConf(directory: string, settings: string): string {
  return `charon-systemd {
  load = ${PLUGINS}
  threads = 16
  install_virtual_ip = no
  journal { default = -1 }
  plugins {
    vici { socket = unix://${join(directory, 'charon.vici')} }
  }
  filelog {
    log { path = ${join(directory, 'charon.log')}
          default = 1
          flush_line = yes
          append = yes }
  }
  ${settings}
}
`;
}
