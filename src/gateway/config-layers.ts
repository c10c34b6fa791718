// The configuration in force as two layers: the file, and what programs have loaded by vici above it. A change of either
// is tried on both together and then put in force by the same way; where it is refused, nothing has changed. What was
// loaded outlives a reload of the file and does not outlive the process.

import { isDeepStrictEqual } from 'node:util';

import { ConfigError, EnvironmentError } from '../base/errors.ts';
import type { LogLevels } from '../base/log-levels.ts';
import type { Logger } from '../base/log.ts';
import { composeLoaded, type ComposedLayers } from '../management/loading/compose-loaded.ts';
import {
  eraseSecrets,
  NOTHING,
  type LoadedEdit,
  type LoadedThings,
} from '../management/loading/loaded-things.ts';
import { loadConfig, type ConfigSource } from '../management/config/load-config.ts';
import { SadError } from '../sad/sad-error.ts';
import type { HttpToken } from './http-token.ts';
import type { LiveDatabases } from './live-databases.ts';

export class ConfigLayers {
  readonly #live: Pick<LiveDatabases, 'use' | 'config'>;
  readonly #levels: LogLevels;
  readonly #token: Pick<HttpToken, 'prepare'> | undefined;
  readonly #log: Logger;
  #source: ConfigSource;
  #loaded: LoadedThings = NOTHING;
  #composed: ComposedLayers;
  /** Changes take turns: each begins with what the one before it has left. Never rejects. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param source of the configuration that is in force */
  constructor(
    live: Pick<LiveDatabases, 'use' | 'config'>,
    source: ConfigSource,
    levels: LogLevels,
    token?: Pick<HttpToken, 'prepare'>,
  ) {
    this.#live = live;
    this.#token = token;
    this.#levels = levels;
    this.#log = levels.of('config');
    this.#source = source;
    this.#composed = composeLoaded(source, NOTHING);
  }

  get loaded(): LoadedThings {
    return this.#loaded;
  }

  /**
   * Puts another state of what was loaded in force.
   * @param wanted names of connections that must not be closed in it
   * @throws ConfigError with lines that say why not
   */
  async change(edit: LoadedEdit, wanted: readonly string[] = []): Promise<void> {
    await this.#inTurn(() => this.#change(edit, wanted));
  }

  /** Reads the file again and puts it in force. @throws ConfigError with lines that say why not */
  async reload(): Promise<void> {
    await this.#inTurn(async () => {
      const file = loadConfig(this.#source.path);
      const composed = composeLoaded(file.source, this.#loaded);
      this.#warn([...file.warnings, ...linesOf(composed)]);
      const useToken = this.#token?.prepare(composed.config);
      await this.#use(composed, () => {
        this.#source = file.source;
        useToken?.();
        this.#levels.useConfigured(file.logLevel, file.logLevels);
      });
      const { policies } = composed.config;
      this.#log.info({ file: file.file, policies: policies.length }, 'configuration reloaded');
    });
  }

  async #change(edit: LoadedEdit, wanted: readonly string[]): Promise<void> {
    const before = this.#loaded;
    const next = edit(before);
    try {
      const composed = composeLoaded(this.#source, next);
      this.#refuseUseless(composed, wanted);
      const told = new Set(linesOf(this.#composed));
      this.#warn(linesOf(composed).filter((line) => !told.has(line)));
      if (isSame(this.#composed, composed)) this.#loaded = next;
      else await this.#use(composed, () => (this.#loaded = next));
      this.#tell(before, next);
    } finally {
      // Of a change that was refused, what it brought; of one that was done, what it took away.
      eraseSecrets(next, this.#loaded);
      eraseSecrets(before, this.#loaded);
    }
  }

  /** What is asked for must work now, though a later change may close it. */
  #refuseUseless({ closed, shadowed }: ComposedLayers, wanted: readonly string[]): void {
    const problems = wanted.map((name) => closed.get(name)).filter((problem) => problem !== undefined);
    if (problems.length > 0) throw new ConfigError(problems.join('\n'));
    const useless = shadowed.filter((line) => !this.#composed.shadowed.includes(line));
    if (useless.length > 0) throw new ConfigError(useless.join('\n'));
  }

  /** @param inForce is called as soon as packets meet it, even where the host does not follow */
  async #use(composed: ComposedLayers, inForce: () => void): Promise<void> {
    try {
      await this.#live.use(composed.config);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      throw error instanceof ConfigError ? error : new ConfigError(error.message, { cause: error });
    } finally {
      if (this.#live.config === composed.config) {
        this.#composed = composed;
        inForce();
      }
    }
  }

  #tell(before: LoadedThings, { connections }: LoadedThings): void {
    for (const [connection, loaded] of connections)
      if (before.connections.get(connection) !== loaded) this.#log.info({ connection }, 'connection loaded');
    for (const connection of before.connections.keys())
      if (!connections.has(connection)) this.#log.info({ connection }, 'connection unloaded');
  }

  #warn(lines: readonly string[]): void {
    for (const line of lines) this.#log.warn(line);
  }

  async #inTurn(change: () => Promise<void>): Promise<void> {
    const changed = this.#turn.then(change);
    this.#turn = changed.catch(() => undefined);
    await changed;
  }
}

function linesOf({ config, closed }: ComposedLayers): readonly string[] {
  const lines = [...closed].map(
    ([name, problem]) =>
      `connection "${name}" is closed, and its policies discard packets until this is mended: ${problem}`,
  );
  return [...config.warnings, ...lines];
}

/** Nothing that packets or peers could notice. A secret that is another one has another number. */
function isSame(one: ComposedLayers, other: ComposedLayers): boolean {
  const entries = ({ additions }: ComposedLayers): unknown =>
    additions.map(({ name, peer, policies }) => ({ name, peer, policies }));
  return isDeepStrictEqual(entries(one), entries(other));
}

function isRefusal(error: unknown): error is Error {
  return error instanceof ConfigError || error instanceof EnvironmentError || error instanceof SadError;
}
