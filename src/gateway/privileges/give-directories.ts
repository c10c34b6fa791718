// What the gateway writes is given to the user that it is about to become: the directories of its state, its sockets, its
// audit and key logs. A directory that belongs to that user is left as it is, with all that is in it, so that nobody who
// can write there has root give something away.

import { closeSync, fchownSync, lchownSync, lstatSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { EnvironmentError } from '../../base/errors.ts';
import type { GatewayConfig } from '../../management/config/gateway-config.ts';

export interface Owner {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const SOCKET_DIRECTORY_MODE = 0o755;
const SECRET_DIRECTORY_MODE = 0o700;
const AUDIT_MODE = 0o600;

/** @throws EnvironmentError */
export function giveDirectories(config: GatewayConfig, owner: Owner): void {
  const { stateDirectory, keyLogDirectory, auditLog, vici, http } = config;
  // A state directory that is missing is an error that says more.
  attempt(stateDirectory, owner, () => {
    give(stateDirectory, owner);
  });
  if (keyLogDirectory !== undefined)
    attempt(keyLogDirectory, owner, () => {
      make(keyLogDirectory, SECRET_DIRECTORY_MODE);
      give(keyLogDirectory, owner);
    });
  const listensAt = http !== undefined && 'path' in http.listen ? http.listen.path : undefined;
  for (const path of [vici?.path, listensAt, http?.ownTokenFile]) {
    if (path === undefined) continue;
    const directory = dirname(path);
    attempt(directory, owner, () => {
      // One that others use is not given away: /run, where somebody wants the socket there.
      if (make(directory, SOCKET_DIRECTORY_MODE) || directory === config.runtimeDirectory)
        give(directory, owner);
    });
  }
  if (auditLog !== undefined)
    attempt(auditLog, owner, () => {
      giveAuditLog(auditLog, owner);
    });
}

/** @returns whether it was made */
function make(directory: string, mode: number): boolean {
  return mkdirSync(directory, { recursive: true, mode }) !== undefined;
}

function give(path: string, owner: Owner): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found !== undefined && found.uid !== owner.uid) giveAll(path, owner);
}

/** Symbolic links are given themselves, and not followed. */
function giveAll(path: string, owner: Owner): void {
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) giveAll(join(path, name), owner);
  lchownSync(path, owner.uid, owner.gid);
}

function giveAuditLog(path: string, owner: Owner): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found !== undefined && (found.uid === owner.uid || !found.isFile())) return;
  const file = openSync(path, 'a', AUDIT_MODE);
  try {
    fchownSync(file, owner.uid, owner.gid);
  } finally {
    closeSync(file);
  }
}

function attempt(path: string, { name }: Owner, act: () => void): void {
  try {
    act();
  } catch (error) {
    // Root without CAP_DAC_OVERRIDE, in a directory that is the user's: who makes it there itself, or says why it cannot.
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return;
    const reason = error instanceof Error ? error.message : String(error);
    throw new EnvironmentError(`${path} cannot be given to user ${name}: ${reason}`, { cause: error });
  }
}
