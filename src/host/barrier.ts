// What keeps a user from a file: the first directory on the way that it may not enter, or the file. By the modes alone;
// capabilities and access control lists are not looked at.

import { statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';

import { shellWord } from '../base/shell-word.ts';
import type { UserAccount } from './user-account.ts';

const READ = 4;
const ENTER = 1;

export interface Barrier {
  readonly path: string;
  /** A command for the shell of root. */
  readonly mend: string;
}

/** @param path absolute @returns undefined where the modes let it be read, or something on the way is not there */
export function findBarrier(path: string, account: UserAccount): Barrier | undefined {
  const directories: string[] = [];
  for (let at = dirname(path); !directories.includes(at); at = dirname(at)) directories.unshift(at);
  for (const at of [...directories, path]) {
    const found = statusOf(at);
    // Who opens it hears why.
    if (found === undefined) return undefined;
    const wanted = at === path ? READ : ENTER;
    if (!may(found, account, wanted)) return { path: at, mend: mendOf(at, found, account, wanted) };
  }
  return undefined;
}

function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function may({ uid, gid, mode }: Stats, account: UserAccount, wanted: number): boolean {
  if (uid === account.uid) return ((mode >> 6) & wanted) !== 0;
  return ((account.groups.includes(gid) ? mode >> 3 : mode) & wanted) !== 0;
}

/** A secret stays with its owner alone; a directory may be that of somebody else, who lets this group in. */
function mendOf(path: string, { uid }: Stats, { name, uid: own, gid }: UserAccount, wanted: number): string {
  const word = shellWord(path);
  if (uid === own) return `chmod u+${wanted === READ ? 'r' : 'x'} ${word}`;
  return wanted === READ
    ? `chown ${shellWord(name)} ${word}`
    : `chgrp ${String(gid)} ${word} && chmod g+x ${word}`;
}
