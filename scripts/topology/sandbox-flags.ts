// How this user gets namespaces: root makes them directly, anybody else inside a user namespace where the
// system permits that. Finds out beforehand, so that a refusal is one line and not a stack of failures.

import { spawnSync } from 'node:child_process';
import { EnvironmentError } from '../../src/base/errors.ts';
import { commandEnvironment } from './command.ts';

const noMount = 3;
const noTun = 4;

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Options of unshare(1) for network and mount namespaces, with a user namespace where it takes one. */
export function namespaceFlags(): string[] {
  return [...(isRoot() ? [] : ['-U', '-r']), '-n', '-m', '--propagation', 'private'];
}

/** @throws EnvironmentError with what to do where namespaces or TUN devices cannot be had */
export function checkNamespacesPermitted(): void {
  const script = `mount -t tmpfs tmpfs /run || exit ${noMount}; (exec 3<>/dev/net/tun) || exit ${noTun}`;
  const probe = spawnSync('unshare', [...namespaceFlags(), 'sh', '-c', script], {
    env: commandEnvironment(),
    encoding: 'utf8',
  });
  if (probe.error !== undefined) {
    throw new EnvironmentError('unshare is not installed; `node scripts/setup.mjs lab` says how');
  }
  if (probe.status === 0) return;
  const said = probe.stderr.trim().split('\n').at(-1) ?? '';
  if (probe.status === noTun) {
    throw new EnvironmentError(
      `no TUN device (${said}): run \`modprobe tun\`, or give the container --device /dev/net/tun`,
    );
  }
  throw new EnvironmentError(
    isRoot()
      ? `namespaces are not permitted here (${said}): a container needs CAP_SYS_ADMIN and CAP_NET_ADMIN`
      : `this user may not make namespaces (${said}): run it as root, or permit unprivileged user namespaces`,
  );
}
