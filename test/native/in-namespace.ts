// Runs a program of test/native/namespaced in a network namespace of its own, which ends with the program.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** @returns what the program reported with {@link report} */
export async function inNamespace(program: string): Promise<unknown> {
  const path = fileURLToPath(new URL(`namespaced/${program}.ts`, import.meta.url));
  // Whoever is not root becomes it in a user namespace.
  const unshare = process.getuid?.() === 0 ? ['--net'] : ['--net', '--user', '--map-root-user'];
  const command = [...unshare, process.execPath, '--import', 'tsx', path];
  const { stdout } = await promisify(execFile)('unshare', command, {
    timeout: 50_000,
    killSignal: 'SIGKILL',
  });
  return JSON.parse(stdout);
}

/** For the programs: the facts that the test looks at. */
export function report(facts: unknown): void {
  process.stdout.write(JSON.stringify(facts));
}
