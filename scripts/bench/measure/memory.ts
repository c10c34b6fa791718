// What a gateway occupies that has forwarded its first packets and rests, from /proc/PID/status (proc_pid_status(5)).

import { readFileSync } from 'node:fs';
import { InvariantError } from '../../../src/base/errors.ts';
import type { Visit } from './visit.ts';

const GATEWAYS = 2;

/** @returns resident megabytes of one gateway; undefined where the kernel does its work */
export function measureMemory({ peer }: Visit): Promise<number | undefined> {
  const { processIds } = peer;
  if (processIds.length === 0) return Promise.resolve(undefined);
  const bytes = processIds.map((id) => parseResidentBytes(readFileSync(`/proc/${id}/status`, 'utf8')));
  const sum = bytes.reduce((total, one) => total + one, 0);
  return Promise.resolve(sum / GATEWAYS / 1e6);
}

/** @param status the text of /proc/PID/status */
export function parseResidentBytes(status: string): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
  if (kibibytes === undefined) throw new InvariantError('the process has no memory: it has ended');
  return Number(kibibytes) * 1024;
}
