// Packets of tunnels that are up come before new keys: where both want the processor, the thread of the data plane has
// it first, and handshakes wait for milliseconds. A flood of them takes no more than it is left.

import os from 'node:os';
import type { Logger } from '../base/log.ts';
import type { DataPlane } from '../dataplane/data-plane.ts';

/** Steps of nice(2). The kernel gives it about a thirtieth of what it gives the data plane, and all that is not wanted there. */
const NICENESS = 15;

/**
 * Of this thread alone: on Linux each thread has its own (setpriority(2)). Threads begun from now on have it, too.
 * @param priority of this thread
 */
export function yieldToDataPlane(
  { hasOwnThread }: Pick<DataPlane, 'hasOwnThread'>,
  log: Pick<Logger, 'warn'>,
  priority: Pick<typeof os, 'getPriority' | 'setPriority'> = os,
): void {
  if (!hasOwnThread) return;
  try {
    priority.setPriority(Math.max(priority.getPriority(), NICENESS));
  } catch (error) {
    const { info } = error as { readonly info?: { readonly code: string } };
    if (info === undefined) throw error;
    // A filter of system calls may be in the way. Packets are carried all the same.
    log.warn(
      { reason: info.code },
      'handshakes do not give way to packets: permit setpriority(2), as SystemCallFilter= of etc/isthmus.service does',
    );
  }
}
