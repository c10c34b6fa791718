// Auditable events (RFC 4301 §9, RFC 4303 §4) as a stream of their own: a file that only grows, a JSON line each, for its owner
// alone. SIGHUP opens it anew, for whoever moves it away. A disk that is full stops nothing: what could not be written is
// counted, and said in the log and in the next line that can be.

import { closeSync, constants, fchmodSync, fstatSync, openSync, writeSync } from 'node:fs';
import { EnvironmentError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
/** A pipe without a reader must not hold the gateway up. */
const FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK;
const MODE = 0o600;

export class AuditFile {
  readonly #path: string;
  readonly #log: Pick<Logger, 'warn' | 'info'>;
  #file: number | undefined;
  /** Lines since the last one that was written. */
  #lost = 0;
  /** The last line was written in part. */
  #isTorn = false;

  private constructor(path: string, log: Pick<Logger, 'warn' | 'info'>) {
    this.#path = path;
    this.#log = log;
  }

  /** @throws EnvironmentError where it cannot be written */
  static open(path: string, log: Pick<Logger, 'warn' | 'info'>): AuditFile {
    const audit = new AuditFile(path, log);
    try {
      audit.#file = openToAppend(path);
    } catch (error) {
      throw new EnvironmentError(`gateway.audit_log: ${path} cannot be written: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    return audit;
  }

  /** The date and time are put in front, and how many lines are missing before this one. */
  write(fields: object): void {
    const lost = this.#lost === 0 ? {} : { lost: this.#lost };
    const line = `${JSON.stringify({ time: new Date().toISOString(), ...fields, ...lost })}\n`;
    try {
      this.#append(line);
    } catch (error) {
      // Once for all that follow, until one can be written.
      if (this.#lost === 0)
        this.#log.warn({ file: this.#path, reason: reasonOf(error) }, 'the audit log cannot be written');
      this.#lost++;
      return;
    }
    if (this.#lost > 0)
      this.#log.info({ file: this.#path, lost: this.#lost }, 'the audit log is written again');
    this.#lost = 0;
  }

  /** Goes on in the file that has the name now. */
  reopen(): void {
    const before = this.#file;
    try {
      this.#file = openToAppend(this.#path);
    } catch (error) {
      this.#log.warn(
        { file: this.#path, reason: reasonOf(error) },
        'the audit log cannot be opened anew: it goes on in the file that was open',
      );
      return;
    }
    this.#isTorn = false;
    if (before !== undefined) closeSync(before);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #append(line: string): void {
    if (this.#file === undefined) throw new EnvironmentError('it is closed');
    const bytes = Buffer.from(this.#isTorn ? `\n${line}` : line);
    const written = writeSync(this.#file, bytes);
    if (written < bytes.length) {
      this.#isTorn = true;
      throw new EnvironmentError('there was no room for a whole line');
    }
    this.#isTorn = false;
  }
}

/** To nobody but the owner, whoever made the file; a device or a pipe keeps the mode that it has. */
function openToAppend(path: string): number {
  const file = openSync(path, FLAGS, MODE);
  try {
    if (fstatSync(file).isFile()) fchmodSync(file, MODE);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return file;
}

function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code ?? (error instanceof Error ? error.message : String(error));
}
