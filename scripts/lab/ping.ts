// Pings from host to host and reads what iputils ping prints.

import type { Topology } from '../topology/topology.ts';
import { siteAddresses } from '../topology/plan.ts';

export interface PingResult {
  readonly sent: number;
  readonly received: number;
  /** null where nothing came back. */
  readonly rttMedianMs: number | null;
}

const count = 20;
const intervalSeconds = 0.1;

export async function pingAcross(topology: Topology, signal: AbortSignal): Promise<PingResult> {
  const pace = ['-c', String(count), '-i', String(intervalSeconds), '-W', '2'];
  // A ping without an answer ends with 1; that is a result.
  const { stdout } = await topology.run('hostA', ['ping', '-n', ...pace, siteAddresses.hostB.ipv4], {
    signal,
    timeoutMs: 30_000,
  });
  return parsePing(stdout);
}

/** Duplicate replies count neither as received nor in the median. */
export function parsePing(output: string): PingResult {
  const summary = /^(\d+) packets transmitted, (\d+) received/m.exec(output);
  const replies = output.split('\n').filter((line) => !line.includes('(DUP!)'));
  const rttsMs = replies.flatMap((line) => {
    const time = /icmp_seq=\d+ .*time=([\d.]+) ms/.exec(line)?.[1];
    return time === undefined ? [] : [Number(time)];
  });
  return {
    sent: Number(summary?.[1] ?? 0),
    received: Number(summary?.[2] ?? 0),
    rttMedianMs: median(rttsMs),
  };
}

export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[Math.ceil(sorted.length / 2) - 1];
  const high = sorted[Math.floor(sorted.length / 2)];
  return low === undefined || high === undefined ? null : Number(((low + high) / 2).toFixed(3));
}
