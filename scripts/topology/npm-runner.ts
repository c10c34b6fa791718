// `npm run` puts a shell between itself and the script, and that shell survives npm's death. This notices that
// npm has gone, so that the end of `npm run lab` is the end of the lab however it came.

import { readFileSync } from 'node:fs';

const intervalMs = 250;

interface Ancestor {
  readonly name: string;
  readonly parent: number;
  readonly processGroup: number;
}

/** undefined where the process has gone. */
function look(pid: number): Ancestor | undefined {
  try {
    // "pid (name) state ppid pgrp ..."; the name may hold spaces and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    const [, parent, processGroup] = stat.slice(end + 2).split(' ');
    return {
      name: stat.slice(stat.indexOf('(') + 1, end),
      parent: Number(parent),
      processGroup: Number(processGroup),
    };
  } catch {
    return undefined;
  }
}

/** Calls `gone` once when the npm that runs this script has died. @returns stops watching */
export function watchNpm(gone: () => void): () => void {
  if (process.env['npm_lifecycle_event'] === undefined) return () => undefined;
  const parent = process.ppid;
  const atStart = look(parent);
  // Some shells replace themselves by their last command: the parent is npm then.
  const throughShell = atStart?.name.endsWith('sh') ?? false;
  // npm, its shell and this process are one process group; who adopts an orphaned shell is of another.
  const orphaned = throughShell && look(atStart?.parent ?? 0)?.processGroup !== atStart?.processGroup;
  const isGone = (): boolean =>
    orphaned || process.ppid !== parent || (throughShell && look(parent)?.parent !== atStart?.parent);
  const timer = setInterval(() => {
    if (!isGone()) return;
    clearInterval(timer);
    gone();
  }, intervalMs);
  return () => {
    clearInterval(timer);
  };
}
