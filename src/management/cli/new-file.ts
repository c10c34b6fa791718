// Files that a command makes: never over one that is there, unless it is told so.

import { closeSync, fchmodSync, fsyncSync, openSync, writeFileSync } from 'node:fs';

import { EnvironmentError } from '../../base/errors.ts';

export interface NewFile {
  readonly path: string;
  readonly text: string;
  /** For its owner alone. */
  readonly isSecret?: boolean;
}

/** @param force overwrites @throws EnvironmentError where the file cannot be made */
export function writeNewFile({ path, text, isSecret = false }: NewFile, force = false): void {
  const mode = isSecret ? 0o600 : 0o644;
  try {
    // 'wx': a key that is in use is never overwritten, whoever made it in the meantime.
    const descriptor = openSync(path, force ? 'w' : 'wx', mode);
    try {
      // One that was there keeps its mode otherwise.
      fchmodSync(descriptor, mode);
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const problem =
      code === 'EEXIST'
        ? 'exists already and is left as it is'
        : `cannot be written (${code ?? String(error)})`;
    throw new EnvironmentError(`${path}: ${problem}; name another file`, { cause: error });
  }
}
