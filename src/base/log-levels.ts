// The level of the log by subsystem, as long as the process runs: a subsystem has the level of the whole log, unless it was
// given one of its own.

import { LOG_LEVELS, type Logger, type LogLevel } from './log.ts';

/** `esp`: what carries packets; `config`: what puts a configuration in force. */
export const SUBSYSTEMS = ['ike', 'esp', 'host', 'config', 'vici', 'gateway'] as const;
export type Subsystem = (typeof SUBSYSTEMS)[number];

export interface SubsystemLevel {
  readonly subsystem: Subsystem;
  readonly level: LogLevel;
  /** It was given; otherwise it is that of the whole log. */
  readonly isOwn: boolean;
}

export class LogLevels {
  readonly #root: Logger;
  readonly #logs: ReadonlyMap<Subsystem, Logger>;
  readonly #own = new Map<Subsystem, LogLevel>();

  constructor(root: Logger) {
    this.#root = root;
    this.#logs = new Map(SUBSYSTEMS.map((name) => [name, root.child({})]));
  }

  /** The log of a subsystem. */
  of(subsystem: Subsystem): Logger {
    return this.#logs.get(subsystem) ?? this.#root;
  }

  get all(): readonly SubsystemLevel[] {
    return SUBSYSTEMS.map((subsystem) => {
      const own = this.#own.get(subsystem);
      return { subsystem, level: own ?? this.#base, isOwn: own !== undefined };
    });
  }

  /** Of the whole log; subsystems with a level of their own keep it. */
  useBase(level: LogLevel): void {
    this.#root.level = level;
    this.#apply();
  }

  /** @param level undefined: that of the whole log again */
  use(subsystem: Subsystem, level: LogLevel | undefined): void {
    if (level === undefined) this.#own.delete(subsystem);
    else this.#own.set(subsystem, level);
    this.#apply();
  }

  get #base(): LogLevel {
    return LOG_LEVELS.find((level) => level === this.#root.level) ?? 'info';
  }

  #apply(): void {
    for (const [subsystem, log] of this.#logs) log.level = this.#own.get(subsystem) ?? this.#base;
  }
}
