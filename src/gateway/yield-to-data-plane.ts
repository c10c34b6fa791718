// Packets of tunnels that are up come before new keys: where both want the processor, the thread of the data plane has
// it first, and handshakes wait for milliseconds. A flood of them takes no more than it is left.

import { getPriority, setPriority } from 'node:os';
import type { DataPlane } from '../dataplane/data-plane.ts';

/** Steps of nice(2). The kernel gives it about a thirtieth of what it gives the data plane, and all that is not wanted there. */
const NICENESS = 15;

/** Of this thread alone: on Linux each thread has its own (setpriority(2)). Threads begun from now on have it, too. */
export function yieldToDataPlane({ hasOwnThread }: Pick<DataPlane, 'hasOwnThread'>): void {
  if (hasOwnThread) setPriority(Math.max(getPriority(), NICENESS));
}
