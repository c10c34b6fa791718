// Why a file that the configuration names cannot be read. Where it is a matter of permissions, by whom, and the mend: the
// gateway may run as a user of its own, or as root without root's leave to read everything.

import { userInfo } from 'node:os';
import { resolve } from 'node:path';

import { findBarrier } from '../../host/barrier.ts';
import type { UserAccount } from '../../host/user-account.ts';

/**
 * @param isInContainer the file is mended outside, where the user has no name
 * @returns `cannot be read (ENOENT)`, or with user and mend
 */
export function describeUnreadable(
  error: unknown,
  path: string,
  isInContainer: boolean = process.pid === 1,
): string {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  if (code !== 'EACCES' && code !== 'EPERM') return `cannot be read (${code})`;
  const account = ownAccount();
  const named = isInContainer ? { ...account, name: String(account.uid) } : account;
  const barrier = findBarrier(resolve(path), named);
  const where = isInContainer ? 'run, where the volume is from' : 'run';
  const mend = barrier === undefined ? '' : `; ${where}: ${barrier.mend}`;
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
