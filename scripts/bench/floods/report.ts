// The figures of floods as a table, and what of them is not as it should be. Pure.

import { formatFigure, align } from '../table.ts';
import type { Host } from '../machine.ts';
import { summarize, type Summary } from '../statistics.ts';
import type { FloodFigures } from './measure-flood.ts';
import type { FloodName } from './options.ts';
import { CLIENT_STORMS } from './storm.ts';

const MEGABYTE = 2 ** 20;
/** What a tunnel keeps at least. */
const LEAST_KEPT_PERCENT = 80;
/** What a flood may add to the memory of a gateway. */
export const MOST_GROWTH_BYTES: number = 96 * MEGABYTE;
/** Descriptors beyond those before: the clients that a gateway takes at once. */
export const MOST_MORE_DESCRIPTORS: number = 32 + 64 + 8;
/** Packets that nobody counted, of all: what the tunnel itself lost in a full buffer is counted besides. */
const MOST_UNCOUNTED = 0.001;

export interface FloodSummary {
  readonly kind: FloodName;
  readonly perSecond: number;
  /** Mbit/s beside the same packets to a closed port. */
  readonly closedMbit: Summary;
  readonly keptPercent: Summary;
  readonly growthBytes: number;
  readonly moreDescriptors: number;
  /** After, against before. */
  readonly leftDescriptors: number;
  readonly countedPercent: number | undefined;
  readonly figures: FloodFigures;
}

export function summarizeFlood(kind: FloodName, figures: FloodFigures): FloodSummary {
  const { rounds, before, during, after, perSecond, sent, account } = figures;
  const ofClients = CLIENT_STORMS.some((one) => one === kind);
  return {
    kind,
    perSecond,
    closedMbit: summarize(rounds.map(({ closedMbit }) => closedMbit)),
    keptPercent: summarize(rounds.map(({ closedMbit, floodMbit }) => (100 * floodMbit) / closedMbit)),
    growthBytes: during.residentBytes - before.residentBytes,
    moreDescriptors: during.descriptors - before.descriptors,
    leftDescriptors: after.descriptors - before.descriptors,
    countedPercent: ofClients ? undefined : (100 * account.sum) / sent,
    figures,
  };
}

/** What is not as it should be, in words. */
export function shortfalls(summary: FloodSummary): readonly string[] {
  const { keptPercent, growthBytes, moreDescriptors, leftDescriptors, countedPercent } = summary;
  const wrong: string[] = [];
  if (keptPercent.median < LEAST_KEPT_PERCENT) wrong.push(`keeps less than ${LEAST_KEPT_PERCENT} %`);
  if (growthBytes > MOST_GROWTH_BYTES) wrong.push(`grows by ${formatFigure(growthBytes / MEGABYTE)} MiB`);
  if (moreDescriptors > MOST_MORE_DESCRIPTORS) wrong.push(`${moreDescriptors} descriptors more`);
  if (leftDescriptors > 0) wrong.push(`${leftDescriptors} descriptors left open`);
  if (countedPercent !== undefined && countedPercent < 100 * (1 - MOST_UNCOUNTED))
    wrong.push(`${formatFigure(100 - countedPercent)} % of the packets are not counted`);
  return wrong;
}

export function formatReport(machine: Host, summaries: readonly FloodSummary[]): string {
  const heading = [
    '',
    'a second',
    'kept',
    'of Mbit/s',
    'memory',
    'descriptors',
    'counted',
    'liveness',
    'Child rekey',
    'IKE rekey',
    'peer anew',
    'stranger',
  ];
  const lines = summaries.map((summary) => {
    const { works } = summary.figures;
    return [
      summary.kind,
      formatFigure(summary.perSecond),
      `${formatFigure(summary.keptPercent.median)} %`,
      formatFigure(summary.closedMbit.median),
      `+${formatFigure(Math.max(0, summary.growthBytes) / MEGABYTE)} MiB`,
      `+${summary.moreDescriptors}`,
      summary.countedPercent === undefined ? '–' : `${summary.countedPercent.toFixed(2)} %`,
      seconds(works.livenessMs),
      seconds(works.childRekeyMs),
      seconds(works.ikeRekeyMs),
      seconds(works.peerMs),
      works.strangerMs === undefined ? 'gave up' : seconds(works.strangerMs),
    ];
  });
  const where = summaries.map(({ kind, figures: { account } }) => `${kind}: ${shares(account)}`);
  const about = `${machine.cpuModel}, ${machine.cores} cores; Linux ${machine.kernel}; Node ${machine.node}; ${machine.date}`;
  return [about, '', ...align([heading, ...lines]), '', 'Where the packets ended:', ...where, ''].join('\n');
}

function seconds(ms: number): string {
  return `${formatFigure(ms / 1000)} s`;
}

function shares({ packets, ofIke }: FloodFigures['account']): string {
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .sort(([, one], [, other]) => other - one)
      .map(([name, count]) => `${name} ${formatFigure(count)}`)
      .join(', ');
  const ike = list(ofIke);
  return `${list(packets)}${ike === '' ? '' : ` (of ike: ${ike})`}`;
}
