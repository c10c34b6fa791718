// TCP throughput from host to host, and the CPU time that the peer's processes take for it.

import { cpuSeconds } from './cpu-time.ts';
import { runIperf3 } from './iperf3.ts';
import type { Visit } from './visit.ts';

export interface TcpFigures {
  readonly mbitPerSecond: number;
  /** User and system time of both gateways; undefined where no process does the work. */
  readonly cpuSecondsPerGigabyte: number | undefined;
}

interface TcpBothReport {
  readonly end: {
    readonly sum_received: { readonly bits_per_second: number };
    readonly sum_received_bidir_reverse: { readonly bits_per_second: number };
  };
}

interface TcpReport {
  readonly end: { readonly sum_received: { readonly bytes: number; readonly bits_per_second: number } };
}

export async function measureTcp(visit: Visit, streams: number): Promise<TcpFigures> {
  const { processIds } = visit.peer;
  const before = cpuSeconds(processIds);
  const report = await runIperf3<TcpReport>(visit.topology, [
    ...['--parallel', String(streams), '--time', String(visit.seconds)],
  ]);
  const spent = cpuSeconds(processIds) - before;
  const { bytes, bits_per_second: bitsPerSecond } = report.end.sum_received;
  return {
    mbitPerSecond: bitsPerSecond / 1e6,
    cpuSecondsPerGigabyte: processIds.length === 0 ? undefined : spent / (bytes / 1e9),
  };
}

/** @returns Mbit/s of both directions together */
export async function measureTcpBoth(visit: Visit): Promise<number> {
  const { end } = await runIperf3<TcpBothReport>(visit.topology, [
    '--bidir',
    '--time',
    String(visit.seconds),
  ]);
  return (end.sum_received.bits_per_second + end.sum_received_bidir_reverse.bits_per_second) / 1e6;
}
