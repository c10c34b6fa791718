// A process that can be told from a later one with the same number: by the time it was started.

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks after the system's start. */
  readonly startTicks: number;
}

const lookIntervalMs = 25;

/** undefined where there is no such process, or only its exit status is left. */
export function identify(pid: number): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
  // proc(5): the fields after the name, which may hold spaces and parentheses, begin with the third.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, startTicks: Number(fields[22 - 3]) };
}

export function isAlive({ pid, startTicks }: ProcessIdentity): boolean {
  return identify(pid)?.startTicks === startTicks;
}

/** Looks at `condition` until it holds. @returns false where it did not within the time */
export async function holdsWithin(
  condition: () => boolean,
  limitMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) return false;
    await delay(lookIntervalMs, undefined, { signal });
  }
  return true;
}

/** SIGTERM, and SIGKILL where that is not enough. @returns false where it had to be killed */
export async function stopProcess(identity: ProcessIdentity, limitMs: number): Promise<boolean> {
  if (!isAlive(identity)) return true;
  process.kill(identity.pid, 'SIGTERM');
  if (await holdsWithin(() => !isAlive(identity), limitMs)) return true;
  if (isAlive(identity)) process.kill(identity.pid, 'SIGKILL');
  return false;
}
