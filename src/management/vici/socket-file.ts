// The socket's file: made with its directory, for its owner alone or for a group as well. What a gateway that died left
// behind is replaced; what is in use, or is no socket, is left alone.

import { execFile } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { EnvironmentError } from '../../base/errors.ts';

const DIRECTORY_MODE = 0o755;
const OWNER_MODE = 0o600;
const GROUP_MODE = 0o660;
/** Nobody but the owner, from the moment on that it is there. */
const UMASK = 0o177;

export interface SocketPlace {
  /** Absolute. */
  readonly path: string;
  /** Its members may connect, too. */
  readonly group: string | undefined;
}

/** @throws EnvironmentError with a sentence for the administrator */
export async function listenOn(server: Server, { path, group }: SocketPlace): Promise<void> {
  const groupId = group === undefined ? undefined : await groupIdOf(group);
  attempt(`the directory of ${path} cannot be made`, () =>
    mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE }),
  );
  await removeStale(path);
  await listen(server, path);
  if (groupId === undefined) return;
  attempt(`${path} cannot be given to the group ${group ?? ''}`, () => {
    chownSync(path, process.getuid?.() ?? 0, groupId);
    chmodSync(path, GROUP_MODE);
  });
}

async function listen(server: Server, path: string): Promise<void> {
  const before = process.umask(UMASK);
  try {
    // Bound before it returns.
    server.listen(path);
  } finally {
    process.umask(before);
  }
  try {
    await once(server, 'listening');
  } catch (error) {
    throw failed(`${path} cannot be opened`, error);
  }
  attempt(`${path} cannot be kept to its owner`, () => {
    chmodSync(path, OWNER_MODE);
  });
}

async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new EnvironmentError(`${path} is there and is no socket: move it away`);
  if (await isServed(path))
    throw new EnvironmentError(`${path} is in use, perhaps by another gateway: choose another path for one`);
  attempt(`${path}, left behind by a gateway, cannot be removed`, () => {
    unlinkSync(path);
  });
}

/** Somebody listens there. */
async function isServed(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return false;
    // EAGAIN: there is somebody, who is busy.
    if (code === 'EAGAIN') return true;
    throw failed(`${path} cannot be looked at`, error);
  } finally {
    socket.destroy();
  }
}

/** Groups may be anywhere that the host's name service knows. @throws EnvironmentError where there is none */
export async function groupIdOf(name: string): Promise<number> {
  try {
    const { stdout } = await promisify(execFile)('getent', ['group', name]);
    const id = Number(stdout.split(':')[2]);
    if (Number.isInteger(id)) return id;
  } catch (error) {
    throw failed(`there is no group ${name}`, error);
  }
  throw new EnvironmentError(`the group ${name} has no number`);
}

function attempt(problem: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    throw failed(problem, error);
  }
}

function failed(problem: string, error: unknown): EnvironmentError {
  const reason = error instanceof Error ? error.message : String(error);
  return new EnvironmentError(`${problem}: ${reason}`);
}
