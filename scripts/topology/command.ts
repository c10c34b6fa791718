// Runs programs: ip, ping, iperf3, tcpdump. Never through a shell, always in the C locale and with the
// administrator's directories in PATH, which Debian leaves out for ordinary users.

import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { EnvironmentError } from '../../src/base/errors.ts';

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  /** undefined where a signal ended the program. */
  readonly exitCode: number | undefined;
}

export interface CommandOptions {
  /** Written to standard input, which is empty otherwise. */
  readonly input?: string;
  /** After this time the program gets SIGTERM. */
  readonly timeoutMs?: number;
  /** Ends the program with SIGTERM. */
  readonly signal?: AbortSignal;
}

export interface SpawnOptions {
  readonly stdio: StdioOptions;
  readonly environment?: Readonly<Record<string, string>>;
  /** True: a session of its own, which outlives this process and gets no signal from its terminal. */
  readonly detached?: boolean;
}

/** The environment of every program that is started here. */
export function commandEnvironment(): NodeJS.ProcessEnv {
  const path = process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  return { ...process.env, PATH: `${path}:/usr/local/sbin:/usr/sbin:/sbin`, LC_ALL: 'C' };
}

/** Starts a program; the caller owns the process. */
export function spawnCommand(argv: readonly string[], options: SpawnOptions): ChildProcess {
  const [program = '', ...rest] = argv;
  return spawn(program, rest, {
    stdio: options.stdio,
    detached: options.detached ?? false,
    env: { ...commandEnvironment(), ...options.environment },
  });
}

/**
 * Runs a program to its end and returns what it said; a bad exit code is the caller's business.
 * @throws EnvironmentError where the program is not installed
 */
export async function runCommand(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: commandEnvironment(),
    timeout: options.timeoutMs,
    signal: options.signal,
  });
  // A program that ends before it read its input is judged by its exit code, not by the broken pipe.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  try {
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    return { stdout, stderr, exitCode: code ?? undefined };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new EnvironmentError(`${program} is not installed; \`node scripts/setup.mjs lab\` says how`);
    throw error;
  }
}

/**
 * Runs a program that must succeed. @returns its standard output
 * @throws EnvironmentError with the program's last words
 */
export async function runOrThrow(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(argv, options);
  if (result.exitCode === 0) return result.stdout;
  const reason = result.stderr.trim().split('\n').at(-1) ?? '';
  throw new EnvironmentError(`${argv.join(' ')}: ${reason === '' ? 'failed' : reason}`);
}
