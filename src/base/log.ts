// The log: pino to standard error, JSON lines for machines, plain lines on a terminal. The fields `level`,
// `time` and `msg` have these names in every line. Keys and payload are never given to it.

import { pino } from 'pino';
import { printable } from './printable.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type Logger = pino.Logger;

/** Takes whole lines, line break included. */
export interface LogDestination {
  write(line: string): void;
}

export interface LogOptions {
  /** Plain lines for people; by default where standard error is a terminal. */
  readonly human?: boolean;
  /** By default standard error, written synchronously so that no line is lost when the process dies. */
  readonly destination?: LogDestination;
}

// A second guard: nothing is logged under these names, and if it were, this is what would be seen.
const NEVER_LOGGED = ['key', 'keyMaterial', '*.key', '*.keyMaterial'];

/** Makes the one logger of the process; subsystems take children of it (log-levels.ts). */
export function createLogger(level: LogLevel, options: LogOptions = {}): Logger {
  const destination = options.destination ?? pino.destination({ dest: process.stderr.fd, sync: true });
  const human = options.human ?? process.stderr.isTTY;
  const listeners = new Set<(line: string) => void>();
  const write = (line: string): void => {
    destination.write(human ? formatForPeople(line) : line);
    for (const listener of listeners) listener(line);
  };
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: NEVER_LOGGED,
    },
    { write },
  );
  listenersOf.set(logger, listeners);
  return logger;
}

const listenersOf = new WeakMap<Logger, Set<(line: string) => void>>();

/**
 * Hears every line that is logged from now on, as JSON; not lines below the level of the log.
 * @param log made by {@link createLogger} @returns how to end it
 */
export function listenToLog(log: Logger, listener: (line: string) => void): () => void {
  const listeners = listenersOf.get(log);
  listeners?.add(listener);
  return () => listeners?.delete(listener);
}

/** Makes `12:00:00.000 warn  message peer=site-b` of one JSON line; the time is local. */
export function formatForPeople(line: string): string {
  const fields = JSON.parse(line) as Record<string, unknown>;
  const parts = [formatTime(fields['time']), String(fields['level']).padEnd(5), describeFields(fields)];
  return `${parts.filter((part) => part !== '').join(' ')}\n`;
}

/** `message peer=site-b` of a line, without level and time. */
export function describeFields({ msg, ...fields }: Readonly<Record<string, unknown>>): string {
  const parts = [typeof msg === 'string' ? printable(msg) : ''];
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'level' || name === 'time') continue;
    const field = formatField(value);
    // `log.error(error)` has the error's message as its own.
    if (name !== 'err' || field !== JSON.stringify(msg)) parts.push(`${name}=${field}`);
  }
  return parts.filter((part) => part !== '').join(' ');
}

function formatTime(time: unknown): string {
  const date = new Date(String(time));
  if (Number.isNaN(date.getTime())) return '--:--:--.---';
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

function formatField(value: unknown): string {
  if (typeof value === 'string') return /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
  // An error as pino's serializer leaves it: the message says enough on a terminal.
  if (typeof value === 'object' && value !== null && 'message' in value) return JSON.stringify(value.message);
  return JSON.stringify(value);
}
