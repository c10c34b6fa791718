// CPU time of processes with all their threads, from /proc/PID/stat (proc_pid_stat(5)).

import { readFileSync } from 'node:fs';

/** USER_HZ; 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** User and system time together. */
export function cpuSeconds(processIds: readonly number[]): number {
  return processIds.reduce((sum, id) => sum + parseCpuSeconds(readFileSync(`/proc/${id}/stat`, 'utf8')), 0);
}

/** @param stat the text of /proc/PID/stat; the name in parentheses may hold spaces and parentheses */
export function parseCpuSeconds(stat: string): number {
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Fields 14 and 15; the first after the name is field 3.
  return (Number(afterName[11]) + Number(afterName[12])) / TICKS_PER_SECOND;
}
