// The token that a gateway makes for its page where the configuration says nothing of one: new at each start, and in a file
// that only its owner can read.

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { EnvironmentError } from '../base/errors.ts';

const TOKEN_BYTES = 32;
const DIRECTORY_MODE = 0o755;
const MODE = 0o600;

export function makeOwnToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** Replaces what a gateway that died left behind. @throws EnvironmentError */
export function writeOwnToken(file: string, token: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: DIRECTORY_MODE });
    removeFile(file);
    writeFileSync(file, `${token}\n`, { flag: 'wx', mode: MODE });
  } catch (error) {
    throw new EnvironmentError(`the token cannot be written: ${describe(error)}`, { cause: error });
  }
}

/** Unless another gateway has written its own there. @throws EnvironmentError */
export function removeOwnToken(file: string, token: string): void {
  try {
    if (readFileSync(file, 'utf8') === `${token}\n`) removeFile(file);
  } catch (error) {
    if (isMissing(error)) return;
    throw new EnvironmentError(`the token cannot be removed: ${describe(error)}`, { cause: error });
  }
}

function removeFile(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
