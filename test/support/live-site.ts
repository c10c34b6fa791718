// A gateway's databases over a packet path in memory: configuration files and keys in a directory of the test, and a
// host that only notes what it is told.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EnvironmentError } from '../../src/base/errors.ts';
import { LogLevels } from '../../src/base/log-levels.ts';
import { createLogger, type Logger } from '../../src/base/log.ts';
import { ConfigLayers } from '../../src/gateway/config-layers.ts';
import { LiveDatabases } from '../../src/gateway/live-databases.ts';
import { readManualKeys } from '../../src/gateway/manual-keying.ts';
import type { GatewayConfig } from '../../src/management/config/gateway-config.ts';
import { loadConfig } from '../../src/management/config/load-config.ts';
import { createSite, type TestSite } from './packet-path-link.ts';

export interface LivePolicy {
  readonly name: string;
  readonly priority?: number;
  readonly remote?: string;
  readonly action?: 'PROTECT' | 'BYPASS' | 'DISCARD';
  /** Names its two keys and makes its SPIs; by default as the policy's place. */
  readonly keys?: number;
  readonly proposal?: string;
  /** More lines of `sa`. */
  readonly sa?: string;
}

/** What else stands in the file; options begin with a comma. */
export interface LiveRest {
  readonly listen?: string;
  readonly gateway?: string;
  readonly tun?: string;
  readonly udp?: string;
  /** Address of the peer. */
  readonly peer?: string;
  readonly peerOptions?: string;
}

export class LiveSite {
  readonly site: TestSite;
  readonly directory: string;
  /** What the host and the data plane were told, in its order. */
  readonly steps: string[] = [];
  readonly lines: Record<string, unknown>[] = [];
  /** A step that begins so fails. */
  failing: string | undefined;
  live!: LiveDatabases;
  layers!: ConfigLayers;

  private constructor(directory: string, engine: 'native' | 'portable') {
    this.directory = directory;
    this.site = createSite(engine);
  }

  static async start(
    policies: readonly LivePolicy[],
    engine: 'native' | 'portable' = 'portable',
    rest: LiveRest = {},
  ): Promise<LiveSite> {
    const one = new LiveSite(await mkdtemp(join(tmpdir(), 'isthmus-live-')), engine);
    await mkdir(join(one.directory, 'state'));
    await one.write(policies, rest);
    const config = loadConfig(one.file, {});
    one.live = await LiveDatabases.install(one.#parts(), config, readManualKeys(config, one.log));
    one.layers = new ConfigLayers(one.live, config.source, new LogLevels(one.log));
    return one;
  }

  get file(): string {
    return join(this.directory, 'site.yaml');
  }

  get log(): Logger {
    return createLogger('debug', {
      human: false,
      destination: { write: (line) => this.lines.push(JSON.parse(line) as Record<string, unknown>) },
    });
  }

  /** Writes the configuration file, and keys that are not there yet. */
  async write(policies: readonly LivePolicy[], rest: LiveRest = {}): Promise<void> {
    const blocks = await Promise.all(policies.map((policy, place) => this.#policyText(policy, place)));
    await writeFile(
      this.file,
      `gateway: { name: a, engine: portable, state_directory: ${join(this.directory, 'state')}${rest.gateway ?? ''} }
guard: none
udp: { listen: ${rest.listen ?? '203.0.113.1'}${rest.udp ?? ''} }
tun: { name: isthmus0${rest.tun ?? ''} }
peers: [{ name: far, address: ${rest.peer ?? '198.51.100.1'}${rest.peerOptions ?? ''} }]
policies:
${blocks.join('')}`,
    );
  }

  async close(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  /** SPIs of the pair of SAs with these keys. */
  static spis(keys: number): { outbound: number; inbound: number } {
    return { outbound: 0x1000 + keys, inbound: 0x2000 + keys };
  }

  async key(name: string): Promise<string> {
    const file = join(this.directory, `${name}.key`);
    try {
      await writeFile(file, `${randomBytes(36).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    return file;
  }

  async #policyText(policy: LivePolicy, place: number): Promise<string> {
    const {
      name,
      priority = 100,
      remote = `10.0.${place + 2}.0/24`,
      action = 'PROTECT',
      keys = place,
    } = policy;
    const head = `  - name: ${name}
    priority: ${priority}
    selectors: { local_address: 10.0.1.0/24, remote_address: ${remote} }
    action: ${action}
`;
    if (action !== 'PROTECT') return head;
    const { outbound, inbound } = LiveSite.spis(keys);
    return `${head}    sa:
      peer: far
      proposal: ${policy.proposal ?? 'aes256gcm16'}
${policy.sa === undefined ? '' : `      ${policy.sa}\n`}      manual:
        outbound: { spi: ${outbound}, key: { file: ${await this.key(`out-${keys}`)} } }
        inbound: { spi: ${inbound}, key: { file: ${await this.key(`in-${keys}`)} } }
`;
  }

  #step(name: string): Promise<void> {
    this.steps.push(name);
    return this.failing !== undefined && name.startsWith(this.failing)
      ? Promise.reject(new EnvironmentError(`${name} failed`))
      : Promise.resolve();
  }

  #parts() {
    return {
      log: this.log,
      sad: this.site.sad,
      dataPlane: {
        workers: 1,
        send: (command: Parameters<TestSite['path']['execute']>[0]) => {
          const done = this.#step('data plane');
          // As it crosses to a worker.
          return done.then(() => {
            this.site.path.execute(structuredClone(command));
          });
        },
      },
      host: {
        guardBoth: (held: GatewayConfig | undefined, next: GatewayConfig) =>
          this.#step(held === undefined ? 'guard' : `guard: ${namesOf(held)} and ${namesOf(next)}`),
        lead: (next: GatewayConfig) => this.#step(`routes: ${namesOf(next)}`),
        guardNextAlone: () => this.#step('guard alone'),
      },
    };
  }
}

function namesOf({ policies }: GatewayConfig): string {
  return policies.map(({ name }) => name).join(', ');
}
