// Runs a program of the host's network tools, `ip` or `nft`, without a shell and with no more of the environment
// than it needs.

import { spawn } from 'node:child_process';

import { EnvironmentError } from '../base/errors.ts';

export interface ProgramResult {
  readonly code: number;
  readonly output: string;
  readonly complaint: string;
}

// Debian keeps them where the PATH of an ordinary user does not look.
export const SEARCH_PATH: string = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

/**
 * Runs a program with a text on its standard input. Any exit code is a result.
 * @param missing what to say where the program is not there
 * @throws EnvironmentError where it cannot be run
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  input: string,
  missing: string,
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    // Not the whole environment: a key may be in it.
    const child = spawn(program, args, { env: { PATH: SEARCH_PATH, LC_ALL: 'C' } });
    const output: string[] = [];
    const complaint: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => complaint.push(text));
    child.on('error', (error) => {
      const isMissing = 'code' in error && error.code === 'ENOENT';
      const message = isMissing ? missing : `${program} cannot be run: ${error.message}`;
      reject(new EnvironmentError(message, { cause: error }));
    });
    child.on('close', (code) => {
      resolve({ code: code ?? -1, output: output.join(''), complaint: complaint.join('') });
    });
    // EPIPE where the program ended before it read everything: its exit code and complaint say why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
