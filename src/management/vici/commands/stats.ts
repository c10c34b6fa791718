// `stats`: how long the gateway runs, how many IKE SAs it has, what memory it uses. strongSwan's worker threads and job
// queues have no counterpart but the one data plane thread, so they are zero.

import type { Command } from '../command.ts';
import { section } from '../message.ts';

const NO_JOBS = { critical: 0, high: 0, medium: 0, low: 0 };

export const stats: Command = (gateway) => {
  const { startedMs, runningMs, ikeSas, halfOpenIkeSas, parts } = gateway.stats;
  const { heapTotal, heapUsed, external } = process.memoryUsage();
  return section({
    uptime: section({
      running: durationText(runningMs),
      since: dateText(new Date(startedMs)),
    }),
    workers: section({ total: 1, idle: 0, active: section({ ...NO_JOBS, critical: 1 }) }),
    queues: section(NO_JOBS),
    scheduled: 0,
    ikesas: section({ total: ikeSas, 'half-open': halfOpenIkeSas }),
    plugins: parts,
    mallinfo: section({ sbrk: heapTotal, mmap: external, used: heapUsed, free: heapTotal - heapUsed }),
  });
};

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;

/** `2 hours`: whole ones of the largest unit of which there are two, as strongSwan does. */
function durationText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [name, length] = UNITS.find(([, unit]) => seconds >= 2 * unit) ?? (['second', 1] as const);
  const count = Math.floor(seconds / length);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

/** `Nov 21 18:03:36 2026`, local time. */
function dateText(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const month = date.toLocaleString('en', { month: 'short' });
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${month} ${two(date.getDate())} ${clock} ${date.getFullYear()}`;
}
