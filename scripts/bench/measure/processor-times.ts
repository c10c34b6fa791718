// Where the time of all processors went, as the kernel counts it. On a virtual machine some of it is withheld: its host
// gives it to others ("steal" in /proc/stat).

import { readFileSync } from 'node:fs';

export interface ProcessorTimes {
  /** Of all processors, in ticks. */
  readonly total: number;
  readonly withheld: number;
}

export function readProcessorTimes(): ProcessorTimes {
  return parseProcessorTimes(readFileSync('/proc/stat', 'utf8'));
}

/** @param text of /proc/stat: its first line is user, nice, system, idle, iowait, irq, softirq, steal (proc_stat(5)) */
export function parseProcessorTimes(text: string): ProcessorTimes {
  const [name, ...fields] = (text.split('\n')[0] ?? '').split(/\s+/);
  const ticks = fields.slice(0, 8).map(Number);
  const withheld = ticks[7];
  if (name !== 'cpu' || withheld === undefined)
    throw new Error('/proc/stat does not begin with all processors');
  return { total: ticks.reduce((sum, one) => sum + one, 0), withheld };
}

/** Of the time between two readings: 0 to 1. */
export function withheldShare(before: ProcessorTimes, after: ProcessorTimes): number {
  const total = after.total - before.total;
  return total === 0 ? 0 : (after.withheld - before.withheld) / total;
}
