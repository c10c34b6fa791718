// Why a file that the configuration names cannot be read. Where it is a matter of permissions, by whom, and the mend: the
// gateway may run as a user of its own, or as root without root's leave to read everything.

import { userInfo } from 'node:os';
import { resolve } from 'node:path';

import { findBarrier } from '../../host/barrier.ts';
import type { UserAccount } from '../../host/user-account.ts';

/** @returns `cannot be read (ENOENT)`, or with user and mend */
export function describeUnreadable(error: unknown, path: string): string {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  if (code !== 'EACCES' && code !== 'EPERM') return `cannot be read (${code})`;
  const account = ownAccount();
  const barrier = findBarrier(resolve(path), account);
  const mend = barrier === undefined ? '' : `; run: ${barrier.mend}`;
  return `cannot be read by user ${account.name} (${code}${mend})`;
}

function ownAccount(): UserAccount {
  const { getuid, getgid, getgroups } = process;
  const uid = getuid?.() ?? 0;
  const gid = getgid?.() ?? 0;
  return { name: nameOf(uid), uid, gid, groups: [gid, ...(getgroups?.() ?? [])] };
}

/** A container may run as a number that has no name. */
function nameOf(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid);
  }
}
