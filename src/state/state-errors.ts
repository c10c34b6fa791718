// What a failed step on the state directory means, and the mend, in one line.

import { EnvironmentError } from '../base/errors.ts';
import { errorCode } from './state-files.ts';

const NEED =
  'manual SAs with AES-GCM or ChaCha20-Poly1305 need a writable state directory that outlives restarts; ';

/** @returns an EnvironmentError for a failed system call; any other error as it is */
export function explainStateError(error: unknown, stateDirectory: string): unknown {
  const code = errorCode(error);
  if (!(error instanceof Error) || code === '') return error;
  const path = 'path' in error && typeof error.path === 'string' ? error.path : stateDirectory;
  return new EnvironmentError(`${NEED}${mend(code, path, stateDirectory, error)}`, { cause: error });
}

function mend(code: string, path: string, stateDirectory: string, error: Error): string {
  switch (code) {
    case 'ENOENT':
      return `${stateDirectory} does not exist: make it with mkdir -p -m 700 ${stateDirectory}, or set gateway.state_directory`;
    case 'ENOTDIR':
      return `${stateDirectory} or something in it is not a directory (${path}): set gateway.state_directory`;
    case 'EACCES':
    case 'EPERM':
      return `${path} cannot be written by user ${String(process.getuid?.() ?? 'unknown')} (${code}): change its owner, or set gateway.state_directory`;
    case 'EROFS':
      return `${path} is on a read-only file system: mount it writable, or set gateway.state_directory`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `no space is left for ${path} (${code}): free some, or set gateway.state_directory`;
    default:
      return `${path}: ${error.message}`;
  }
}
