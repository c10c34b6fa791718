// Whether a program is installed, without running it.

import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { commandEnvironment } from '../topology/command.ts';

/** The path of a program, looked for where commands are unless it has a slash; undefined where it is not there. */
export function findProgram(name: string): string | undefined {
  if (name.includes('/')) return isExecutable(name) ? resolve(name) : undefined;
  const folders = (commandEnvironment()['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
