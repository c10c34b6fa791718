// A sandbox for a caller that stays outside, such as a test: a holder process keeps network and mount
// namespaces with a tmpfs on /run, and each command enters them. All of it ends with the caller.

import { once } from 'node:events';
import { EnvironmentError } from '../../src/base/errors.ts';
import { spawnCommand } from './command.ts';
import { checkNamespacesPermitted, isRoot, namespaceFlags } from './sandbox-flags.ts';

export interface OpenSandbox {
  /**
   * Put before a command it runs it inside, as one process that dies with the caller. The working directory is /.
   * For `enter` of TopologyOptions.
   */
  readonly enter: readonly string[];
  /** Ends the holder; namespaces end with the last process in them, so stop those first. */
  close(): Promise<void>;
}

/** @throws EnvironmentError with what to do where namespaces cannot be had */
export async function openSandbox(): Promise<OpenSandbox> {
  checkNamespacesPermitted();
  const script = 'mount -t tmpfs -o mode=755 tmpfs /run && echo ready && exec cat > /dev/null';
  const flags = namespaceFlags();
  const holder = spawnCommand(
    ['setpriv', '--pdeathsig', 'KILL', 'unshare', ...flags, '--', 'sh', '-c', script],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const closed = once(holder, 'close');
  const { stdout, pid } = holder;
  if (stdout === null || pid === undefined) throw new EnvironmentError('the sandbox could not be started');
  await Promise.race([once(stdout, 'data'), closed]);
  if (holder.exitCode !== null) throw new EnvironmentError('the sandbox could not be set up');
  const user = isRoot() ? [] : ['--user', '--preserve-credentials'];
  return {
    enter: [
      ...['nsenter', '--target', String(pid), ...user, '--mount', '--net', '--'],
      ...['setpriv', '--pdeathsig', 'KILL', '--'],
    ],
    close: async (): Promise<void> => {
      holder.stdin?.end();
      await closed;
    },
  };
}
