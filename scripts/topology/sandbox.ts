// A place where namespaces have names that nobody outside sees: network, mount and process namespaces with a
// tmpfs on /run. The script runs itself once more inside. Everything in there dies with the outer process,
// SIGKILL included: the kernel kills unshare(1) with its parent, the inner process with unshare, and all
// processes of a process namespace with the first of it.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { spawnCommand } from './command.ts';
import { watchNpm } from './npm-runner.ts';
import { checkNamespacesPermitted, namespaceFlags } from './sandbox-flags.ts';

const marker = 'ISTHMUS_SANDBOX';
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Time for the inner process to stop its gateways before it is killed. */
const stopLimitMs = 15_000;

/** True in the inner process, which is the first one of its process namespace. */
export function insideSandbox(): boolean {
  return process.pid === 1 && process.env[marker] === '1';
}

/**
 * Runs this script, with the same arguments, inside; standard output and error are shared.
 * @returns the exit code
 */
export async function runInSandbox(): Promise<number> {
  checkNamespacesPermitted();
  const flags = [...namespaceFlags(), '-p', '-f', '--kill-child', '--mount-proc'];
  const script = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  // A session of its own: Ctrl-C reaches the outer process alone, which then asks the inner one to stop.
  const inner = spawnCommand(['setpriv', '--pdeathsig', 'KILL', 'unshare', ...flags, '--', ...script], {
    stdio: ['pipe', 'inherit', 'inherit'],
    environment: { [marker]: '1' },
    detached: true,
  });
  let stoppedBy: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    stoppedBy ??= signal;
    inner.stdin?.end();
    setTimeout(() => inner.kill('SIGKILL'), stopLimitMs).unref();
  };
  for (const signal of stopSignals) process.on(signal, stop);
  const stopWatching = watchNpm(() => {
    stop('SIGTERM');
  });
  const [code] = (await once(inner, 'close')) as [number | null];
  stopWatching();
  for (const signal of stopSignals) process.off(signal, stop);
  return stoppedBy === undefined ? (code ?? 1) : 128 + constants.signals[stoppedBy];
}

/** Inner process: gives /run a tmpfs. @returns a signal that fires when the outer process wants the end or is gone */
export function enterSandbox(): AbortSignal {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run']);
  const controller = new AbortController();
  const stop = (): void => {
    process.stdin.destroy();
    controller.abort();
  };
  process.stdin.on('end', stop).on('error', stop).resume();
  for (const signal of stopSignals) process.on(signal, stop);
  return controller.signal;
}

/** Inner process: lets it end although the outer one still holds the pipe. */
export function leaveSandbox(): void {
  process.stdin.destroy();
}
