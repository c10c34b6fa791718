// Runs iperf3 between the hosts and reads its JSON, whose UDP part differs between versions: the rate that
// arrived is computed from what every version reports.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';
import { EnvironmentError } from '../../src/base/errors.ts';
import { siteAddresses } from '../topology/plan.ts';
import type { Topology } from '../topology/topology.ts';

export interface Iperf3Run {
  readonly direction: 'a-to-b' | 'b-to-a';
  readonly protocol: 'tcp' | 'udp';
}

export interface Iperf3Result extends Iperf3Run {
  /** What arrived, without headers. */
  readonly mbitPerSecond: number;
  /** UDP only. */
  readonly lossPercent?: number;
}

export interface Iperf3Options {
  readonly seconds: number;
  /** Offered rate of the UDP runs. */
  readonly udpMbitPerSecond: number;
  readonly signal: AbortSignal;
}

/** TCP first: UDP may be offered above what the tunnel carries. */
export const iperf3Runs: readonly Iperf3Run[] = [
  { direction: 'a-to-b', protocol: 'tcp' },
  { direction: 'b-to-a', protocol: 'tcp' },
  { direction: 'a-to-b', protocol: 'udp' },
  { direction: 'b-to-a', protocol: 'udp' },
];

const udpPayloadBytes = 1200;
/** Connecting, and the exchange of results over a tunnel that may be full. */
const marginSeconds = 20;

/** A run that iperf3 could not do gives no traffic. @returns the result, and why where there was none */
export async function runIperf3(
  topology: Topology,
  run: Iperf3Run,
  options: Iperf3Options,
): Promise<Iperf3Result & { readonly failure?: string }> {
  const { seconds, signal } = options;
  const server = topology.spawn('hostB', ['iperf3', '--server', '--one-off', '--forceflush'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const serverEnd = once(server, 'close');
  try {
    await listening(server, serverEnd);
    const client = ['iperf3', '--client', siteAddresses.hostB.ipv4, '--json', '--connect-timeout', '5000'];
    const reverse = run.direction === 'b-to-a' ? ['--reverse'] : [];
    const udp = ['--udp', '--bitrate', `${options.udpMbitPerSecond}M`, '--length', String(udpPayloadBytes)];
    const { stdout, stderr } = await topology.run(
      'hostA',
      [...client, '--time', String(seconds), ...reverse, ...(run.protocol === 'udp' ? udp : [])],
      { signal, timeoutMs: (seconds + marginSeconds) * 1000 },
    );
    return { ...run, ...parseIperf3(stdout === '' ? JSON.stringify({ error: stderr.trim() }) : stdout) };
  } finally {
    server.kill();
    await serverEnd;
  }
}

async function listening({ stdout }: ChildProcess, end: Promise<unknown[]>): Promise<void> {
  if (stdout === null) throw new EnvironmentError('the iperf3 server has no output');
  // Its first output is the announcement that it listens.
  const [first] = (await Promise.race([once(stdout, 'data'), end])) as unknown[];
  if (!String(first).includes('-----')) throw new EnvironmentError('the iperf3 server did not start');
  stdout.resume();
}

const sumSchema = z.object({
  bits_per_second: z.number(),
  lost_packets: z.number().optional(),
  packets: z.number().optional(),
});
const reportSchema = z.object({
  error: z.string().optional(),
  end: z.object({ sum: sumSchema.optional(), sum_received: sumSchema.optional() }).optional(),
});

export function parseIperf3(text: string): {
  readonly mbitPerSecond: number;
  readonly lossPercent?: number;
  readonly failure?: string;
} {
  const { end, error } = readReport(text);
  if (error !== undefined) return { mbitPerSecond: 0, failure: error };
  if (end?.sum !== undefined) return parseUdp(end.sum);
  if (end?.sum_received === undefined) return { mbitPerSecond: 0, failure: 'iperf3 reported no result' };
  return { mbitPerSecond: round(end.sum_received.bits_per_second / 1e6, 1) };
}

/** A client that was ended while it wrote leaves half a report. */
function readReport(text: string): z.infer<typeof reportSchema> {
  try {
    return reportSchema.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError)
      return { error: 'the report of iperf3 is not readable' };
    throw error;
  }
}

/** `sum` has the rate that was sent. A receiver that got nothing at all reports no packets. */
function parseUdp(sum: z.infer<typeof sumSchema>): { mbitPerSecond: number; lossPercent: number } {
  const { packets = 0, lost_packets: lost = 0 } = sum;
  const delivered = packets === 0 ? 0 : Math.max(0, packets - lost) / packets;
  return {
    mbitPerSecond: round((sum.bits_per_second * delivered) / 1e6, 1),
    lossPercent: round(100 * (1 - delivered), 2),
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
