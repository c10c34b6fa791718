// `npm run` puts a shell between itself and the script, and the shell survives npm's death. This notices that
// npm has gone, so that the end of `npm run lab` is the end of the lab however it came.

import { readFileSync } from 'node:fs';

const intervalMs = 250;

/** Parent of a process, undefined where the process has gone. */
function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // "pid (name) state ppid …"; the name may hold spaces and parentheses.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

/** Calls `gone` once when the shell or the npm that runs this script has died. @returns stops watching */
export function watchRunner(gone: () => void): () => void {
  if (process.env['npm_lifecycle_event'] === undefined) return () => undefined;
  const shell = process.ppid;
  const npm = parentOf(shell);
  const timer = setInterval(() => {
    if (process.ppid === shell && parentOf(shell) === npm) return;
    clearInterval(timer);
    gone();
  }, intervalMs);
  return () => {
    clearInterval(timer);
  };
}
