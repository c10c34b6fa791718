// The few file operations that persistent state is made of. Each is one atomic step of the file system, so
// that tests can stop, interleave and kill processes between any two of them.

import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';

export interface StateFiles {
  /** Names in a directory; undefined where it does not exist. May miss or repeat a name that is renamed meanwhile. */
  list(directory: string): Promise<readonly string[] | undefined>;
  /** Makes a directory that only its owner may enter. @returns false where the name is taken */
  createDirectory(path: string): Promise<boolean>;
  /** Writes a new file and waits until its content is on the disk. */
  writeSynced(path: string, text: string): Promise<void>;
  /** Atomic. @returns false where `from` is gone, or `to` is a directory that is not empty */
  rename(from: string, to: string): Promise<boolean>;
  /** Waits until the names in a directory are on the disk. */
  syncDirectory(path: string): Promise<void>;
  /** Removes a directory and what is in it. */
  remove(path: string): Promise<void>;
}

/** The errno name of a failed system call, `ENOSPC`; empty where it was none. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return '';
  return error.code;
}

/** Runs a step; an error with one of `codes` gives `otherwise`. */
async function unless<T, U>(step: Promise<T>, codes: readonly string[], otherwise: U): Promise<T | U> {
  try {
    return await step;
  } catch (error) {
    if (codes.includes(errorCode(error))) return otherwise;
    throw error;
  }
}

export const nodeStateFiles: StateFiles = {
  list: (directory) => unless(readdir(directory), ['ENOENT'], undefined),

  createDirectory: (path) =>
    unless(
      mkdir(path, { mode: 0o700 }).then(() => true),
      ['EEXIST'],
      false,
    ),

  async writeSynced(path, text) {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  },

  rename: (from, to) =>
    unless(
      rename(from, to).then(() => true),
      ['ENOENT', 'ENOTEMPTY', 'EEXIST'],
      false,
    ),

  async syncDirectory(path) {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },

  remove: (path) => rm(path, { recursive: true, force: true }),
};
