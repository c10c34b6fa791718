// What a flood does to a gateway, from outside: memory and descriptors of its process, what it counts itself, and what
// the kernel drops before it.

import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

const MOST_TRIES = 20;
const RETRY_MS = 500;

export interface ProcessFigures {
  readonly residentBytes: number;
  readonly descriptors: number;
  readonly threads: number;
}

/** proc_pid_status(5). */
export function readProcess(pid: number): ProcessFigures {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const figure = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return {
    residentBytes: figure('VmRSS') * 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: figure('Threads'),
  };
}

/** Series with their labels, as /metrics writes them, and their values. */
export type Series = ReadonlyMap<string, number>;

/** @param socketPath of the gateway's HTTP listener; asked again where it has had too many clients just now */
export async function readMetrics(socketPath: string): Promise<Series> {
  for (let tries = 1; ; tries++)
    try {
      return await askMetrics(socketPath);
    } catch (error) {
      if (tries === MOST_TRIES) throw error;
      await sleep(RETRY_MS);
    }
}

async function askMetrics(socketPath: string): Promise<Series> {
  const body = await new Promise<string>((resolve, reject) => {
    request({ socketPath, path: '/metrics', agent: false }, (response) => {
      if (response.statusCode === 200) text(response).then(resolve, reject);
      else reject(new Error(`/metrics: ${response.statusCode}`));
    })
      .on('error', reject)
      .end();
  });
  const samples = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))] as const;
    }),
  );
}

/** Of the network namespace that a process is in: `Udp.RcvbufErrors` and the like (/proc/net/snmp). */
export function readKernelCounters(pid: number): Series {
  const lines = readFileSync(`/proc/${pid}/net/snmp`, 'utf8').trim().split('\n');
  const counters = new Map<string, number>();
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [group = '', ...names] = (lines[at] ?? '').split(' ');
    const [, ...values] = (lines[at + 1] ?? '').split(' ');
    names.forEach((name, index) => counters.set(`${group}${name}`.replace(':', '.'), Number(values[index])));
  }
  return counters;
}

/** What has grown. */
export function growth(before: Series, after: Series): Series {
  return new Map(
    [...after]
      .map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const)
      .filter(([, value]) => value > 0),
  );
}
