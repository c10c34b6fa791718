// `isthmus import FILE`: swanctl.conf or ipsec.conf as a configuration of Isthmus, on standard output or in a new file, and
// what was not carried over on standard error. What it wrote is checked as `isthmus check` does.

import { dirname, join, resolve } from 'node:path';

import { ConfigError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { parseConfig } from '../config/load-config.ts';
import { importConfig, type ImportedConfig } from '../importing/import-config.ts';
import { formatNotice, type Notice } from '../importing/notice.ts';
import { ViciRequestError } from '../vici/message.ts';
import { writeNewFile } from './new-file.ts';
import type { Output } from './output.ts';

export interface ImportOptions {
  readonly output?: string;
  readonly force?: boolean;
  readonly json?: boolean;
  readonly local?: 'left' | 'right';
}

/** @throws ConfigError where the file cannot be read, or what was made of it is not right */
export function importFile(file: string, options: ImportOptions, output: Output): void {
  const imported = read(file, options);
  const target = options.output ?? 'standard output';
  const { notices, text, files } = imported;
  const check = checked(text, options.output ?? 'isthmus.yaml');
  if (options.output !== undefined) {
    // Secrets first: the configuration names them.
    for (const { name, ...made } of files) {
      const path = join(dirname(resolve(options.output)), name);
      writeNewFile({ path, ...made }, options.force);
    }
    writeNewFile({ path: options.output, text }, options.force);
  }
  if (options.json === true)
    output.out(`${JSON.stringify({ ...report(options, imported), check }, undefined, 2)}\n`);
  else {
    if (options.output === undefined) output.out(text);
    for (const notice of notices) output.err(`${printable(formatNotice(notice))}\n`);
    for (const { name, isSecret } of files)
      output.err(
        options.output === undefined
          ? `note: ${name}, ${isSecret ? 'a secret' : 'certificates'}, was not written: give --output FILE, and it lies beside FILE\n`
          : `${join(dirname(options.output), name)}: written${isSecret ? ', for its owner alone' : ''}\n`,
      );
    output.err(
      `${target}: ${check.length === 0 ? `ok, as isthmus check says; ${summary(notices)}` : 'is not right'}\n`,
    );
  }
  if (check.length > 0) throw new ConfigError(check.join('\n'));
}

function read(file: string, { local }: ImportOptions): ImportedConfig {
  try {
    return importConfig(file, local === undefined ? {} : { local });
  } catch (error) {
    if (!(error instanceof ViciRequestError)) throw error;
    throw new ConfigError(`${file}: ${error.message}`, { cause: error });
  }
}

/** @returns the errors that `isthmus check` has, a line each */
function checked(text: string, path: string): readonly string[] {
  try {
    parseConfig(text, path);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n');
  }
}

function report({ output }: ImportOptions, { text, notices, files }: ImportedConfig): object {
  return {
    ...(output === undefined ? { text } : { output }),
    notices,
    files: files.map(({ name, isSecret }) => ({ name, isSecret, isWritten: output !== undefined })),
  };
}

function summary(notices: readonly Notice[]): string {
  const count = (kind: Notice['kind']): number => notices.filter((notice) => notice.kind === kind).length;
  return `${count('closed')} not carried over, ${count('left-out')} left out, ${count('differs')} different, ${count('harmless')} without meaning here`;
}
