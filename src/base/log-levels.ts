// The level of the log by subsystem: the one it was given while the process runs, else that of the configuration, else that of
// the whole log.

import { LOG_LEVELS, type Logger, type LogLevel } from './log.ts';

/** `esp`: what carries packets; `config`: what puts a configuration in force. */
export const SUBSYSTEMS = ['ike', 'esp', 'host', 'config', 'vici', 'http', 'gateway'] as const;
export type Subsystem = (typeof SUBSYSTEMS)[number];
/** Of the configuration; what is not there has the level of the whole log. */
export type ConfiguredLevels = Readonly<Partial<Record<Subsystem, LogLevel | undefined>>>;

export interface SubsystemLevel {
  readonly subsystem: Subsystem;
  readonly level: LogLevel;
  /** It was given while the process runs; otherwise it is that of the configuration. */
  readonly isOwn: boolean;
}

export class LogLevels {
  readonly #root: Logger;
  readonly #logs: ReadonlyMap<Subsystem, Logger>;
  readonly #own = new Map<Subsystem, LogLevel>();
  #configured: ConfiguredLevels;

  constructor(root: Logger, configured: ConfiguredLevels = {}) {
    this.#root = root;
    this.#logs = new Map(SUBSYSTEMS.map((name) => [name, root.child({})]));
    this.#configured = configured;
    this.#apply();
  }

  /** The log of a subsystem. */
  of(subsystem: Subsystem): Logger {
    return this.#logs.get(subsystem) ?? this.#root;
  }

  get all(): readonly SubsystemLevel[] {
    return SUBSYSTEMS.map((subsystem) => {
      const own = this.#own.get(subsystem);
      return { subsystem, level: this.#levelOf(subsystem), isOwn: own !== undefined };
    });
  }

  /** Of the whole log and by subsystem; those that were given a level meanwhile keep it. */
  useConfigured(level: LogLevel, configured: ConfiguredLevels): void {
    this.#root.level = level;
    this.#configured = configured;
    this.#apply();
  }

  /** @param level undefined: that of the configuration again */
  use(subsystem: Subsystem, level: LogLevel | undefined): void {
    if (level === undefined) this.#own.delete(subsystem);
    else this.#own.set(subsystem, level);
    this.#apply();
  }

  get #base(): LogLevel {
    return LOG_LEVELS.find((level) => level === this.#root.level) ?? 'info';
  }

  #levelOf(subsystem: Subsystem): LogLevel {
    return this.#own.get(subsystem) ?? this.#configured[subsystem] ?? this.#base;
  }

  #apply(): void {
    for (const [subsystem, log] of this.#logs) log.level = this.#levelOf(subsystem);
  }
}
