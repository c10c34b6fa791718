// What the lab prints: a drawing, tables for people, one object for programs.

import type { EngineName } from './engine-name.ts';
import type { Iperf3Result } from './iperf3.ts';
import type { PingResult } from './ping.ts';
import type { Check } from './scenarios/scenario.ts';
import type { Keying } from './site-files.ts';
import type { WanCounters } from './wan-counters.ts';

/** The object of --json. */
export interface LabReport {
  readonly ok: boolean;
  readonly keying: Keying;
  readonly engine: EngineName;
  /** With --scenario only, as `checks`. */
  readonly scenario?: string;
  readonly checks?: readonly Check[];
  readonly ping: PingResult;
  readonly iperf3: readonly Iperf3Result[];
  /** Of all gateways, by reason; only what is not zero. */
  readonly drops: Readonly<Record<string, number>>;
}

/** True where every ping came back, every run moved traffic and all of it travelled protected. */
export function isOk(
  ping: PingResult,
  iperf3: readonly Iperf3Result[],
  wan: Pick<WanCounters, 'forwarded' | 'inClear'>,
): boolean {
  const pinged = ping.sent > 0 && ping.received === ping.sent;
  const moved = iperf3.length > 0 && iperf3.every(({ mbitPerSecond }) => mbitPerSecond > 0);
  return pinged && moved && wan.forwarded > 0 && wan.inClear === 0;
}

export function mergeDrops(gateways: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const merged: Record<string, number> = {};
  for (const [reason, packets] of gateways.flatMap((drops) => Object.entries(drops))) {
    merged[reason] = (merged[reason] ?? 0) + packets;
  }
  return merged;
}

export function formatPing({ sent, received, rttMedianMs }: PingResult): string {
  const median = rttMedianMs === null ? '' : `, median ${rttMedianMs.toFixed(2)} ms`;
  return `ping hostA -> hostB: ${sent} sent, ${received} received${median}`;
}

export function formatIperf3(results: readonly Iperf3Result[]): string {
  return formatTable([
    ['iperf3', 'protocol', 'Mbit/s', 'loss'],
    ...results.map(({ direction, protocol, mbitPerSecond, lossPercent }) => [
      direction,
      protocol,
      mbitPerSecond.toFixed(1),
      lossPercent === undefined ? '' : `${lossPercent.toFixed(2)} %`,
    ]),
  ]);
}

export function formatDrops(drops: Readonly<Record<string, number>>): string {
  const rows = Object.entries(drops).map(([reason, packets]) => [reason, '', String(packets)]);
  return rows.length === 0 ? 'drops: none' : formatTable([['drops', '', 'packets'], ...rows]);
}

export function formatChecks(checks: readonly Check[]): string {
  return checks.map(({ what, holds, seen }) => `${holds ? '  yes ' : '  NO  '} ${what} (${seen})`).join('\n');
}

export function formatWan({ forwarded, inClear }: WanCounters): string {
  return `wan: ${forwarded} datagrams between the gateways, ${inClear} packets of a site in clear`;
}

/** The first two columns to the left, numbers to the right. */
function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) => {
      const cells = row.map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < 2 ? cell.padEnd(width) : cell.padStart(width);
      });
      return cells.join('  ').trimEnd();
    })
    .join('\n');
}
