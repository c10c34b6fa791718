// Reads the text of configuration files and finds those that an include names, with wildcards as a shell has them. How
// many files, how large and how deep inside each other is bounded.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';

import { ConfigError } from '../../base/errors.ts';
import type { WrittenAt } from './written-section.ts';

const MOST_BYTES = 2 ** 20;
const MOST_FILES = 1000;
const MOST_NESTING = 16;

/** What is asked of the file system. */
export interface FileAccess {
  /** @throws Error of node:fs */
  readonly read: (path: string) => Uint8Array;
  /** Names in a directory; none where it cannot be read. */
  readonly list: (directory: string) => readonly string[];
  readonly isFile: (path: string) => boolean;
}

export const FILES: FileAccess = {
  read: (path) => readFileSync(path),
  list: (directory) => {
    try {
      return readdirSync(directory);
    } catch (error) {
      if (error instanceof Error && 'code' in error) return [];
      throw error;
    }
  },
  isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false,
};

export class ConfigReader {
  readonly #access: FileAccess;
  readonly #open: string[] = [];
  #count = 0;

  constructor(access: FileAccess = FILES) {
    this.#access = access;
  }

  /** Reads a file; `use` may read others that it includes. @throws ConfigError */
  within(path: string, use: (text: string) => void): void {
    if (this.#open.includes(path)) throw new ConfigError(`${path}: includes itself`);
    if (++this.#count > MOST_FILES || this.#open.length >= MOST_NESTING)
      throw new ConfigError(
        `${path}: found more than ${MOST_FILES} files, or more than ${MOST_NESTING} inside each other, expected fewer`,
      );
    const text = this.#text(path);
    this.#open.push(path);
    use(text);
    this.#open.pop();
  }

  /** Paths in order. @param at whose directory a relative pattern starts from */
  matching(pattern: string, { file }: WrittenAt): readonly string[] {
    const [root = '', ...steps] = resolve(dirname(file), pattern).split(sep);
    let found = [root];
    for (const step of steps) {
      if (!/[*?[]/.test(step)) found = found.map((directory) => directory + sep + step);
      else {
        const isMatch = wildcard(step);
        found = found.flatMap((directory) =>
          this.#access
            .list(directory === '' ? sep : directory)
            .filter((name) => isMatch.test(name))
            .toSorted()
            .map((name) => directory + sep + name),
        );
      }
      if (found.length > MOST_FILES)
        throw new ConfigError(`${file}: ${pattern} names more than ${MOST_FILES} files, expected fewer`);
    }
    return found.filter((path) => this.#access.isFile(path));
  }

  #text(path: string): string {
    try {
      const bytes = this.#access.read(path);
      if (bytes.length > MOST_BYTES)
        throw new ConfigError(`${path}: found ${bytes.length} bytes, expected at most ${MOST_BYTES}`);
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      const why = error instanceof TypeError ? 'found bytes that are not UTF-8' : 'cannot be read';
      const code = (error as NodeJS.ErrnoException).code;
      throw new ConfigError(
        `${path}: ${why}${code === undefined ? '' : ` (${code})`}, expected a text file`,
        {
          cause: error,
        },
      );
    }
  }
}

/** What begins with a dot is not meant by `*`. */
function wildcard(step: string): RegExp {
  const body = step
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
    .replace(/\[!/g, '[^');
  try {
    return new RegExp(`^(?!\\.)${body}$`);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return /^(?!)/;
  }
}
