// Whether a program is installed, without running it.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { commandEnvironment } from '../topology/command.ts';

/** The path of a program, looked for where commands are; undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = (commandEnvironment()['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
