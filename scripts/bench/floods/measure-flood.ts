// One flood: rounds of two phases, in which the same packets go to a closed port and to the gateway, while a TCP stream
// goes through its tunnel; then what still works under the flood. The phases of a round stand beside each other, because
// machines change their speed within seconds.

import { setTimeout as sleep } from 'node:timers/promises';
import { TcpStream } from '../measure/tcp-stream.ts';
import { withheldShare } from '../measure/processor-times.ts';
import { accountFor, readCounters, type Account } from './accounts.ts';
import { readProcess, type ProcessFigures } from './gateway-figures.ts';
import type { FloodSite } from './flood-site.ts';
import { WorksProbe, type StillWorks } from './still-works.ts';
import type { Storm } from './storm.ts';

/** What is on its way when a phase begins is not counted. */
const SETTLE_MS = 200;
/** The flood outlasts what is measured by so much. */
const MARGIN_MS = 50;
const CALM_MS = 500;
const STRETCH_MS = 1000;

export interface Round {
  /** Mbit/s of TCP while the flood reaches nobody, and while it reaches the gateway. */
  readonly closedMbit: number;
  readonly floodMbit: number;
}

export interface FloodFigures {
  readonly rounds: readonly Round[];
  /** Packets, or clients, a second that were sent. */
  readonly perSecond: number;
  readonly before: ProcessFigures;
  /** The most of each. */
  readonly during: ProcessFigures;
  readonly after: ProcessFigures;
  /** Packets sent, closed port included, and what became of them. */
  readonly sent: number;
  readonly account: Account;
  readonly works: StillWorks;
}

export interface FloodOptions {
  readonly rounds: number;
  readonly phaseMs: number;
}

export async function measureFlood(
  site: FloodSite,
  storm: Storm,
  { rounds: count, phaseMs }: FloodOptions,
): Promise<FloodFigures> {
  const { pid } = site.target.identity;
  const probe = await WorksProbe.open(site);
  const stream = await TcpStream.start(site.topology);
  const totals = { packets: 0, ms: 0 };
  const phase = async (reaches: boolean): Promise<number> => {
    const sending = storm.send(phaseMs + MARGIN_MS, reaches);
    await sleep(SETTLE_MS);
    const start = stream.read();
    await sleep(phaseMs - SETTLE_MS);
    const end = stream.read();
    const sent = await sending;
    totals.packets += sent.packets;
    totals.ms += sent.ms;
    const mbit = (8 * (end.bytes - start.bytes)) / 1e6;
    return mbit / ((end.atMs - start.atMs) / 1000) / (1 - withheldShare(start.times, end.times));
  };
  // The first round shows code that has not run yet.
  await phase(false);
  await phase(true);
  await sleep(CALM_MS);
  const before = readProcess(pid);
  const counters = await readCounters(site);
  Object.assign(totals, { packets: 0, ms: 0 });
  const most = new MostOfProcess(pid);
  const rounds: Round[] = [];
  for (let round = 0; round < count; round++) {
    // Each of the two is first in every other round.
    const isFirst = round % 2 === 0;
    const one = await phase(!isFirst);
    most.look();
    const other = await phase(isFirst);
    most.look();
    rounds.push(isFirst ? { closedMbit: one, floodMbit: other } : { closedMbit: other, floodMbit: one });
  }
  const { packets, ms } = totals;
  await stream.stop();
  await sleep(CALM_MS);
  const account = accountFor(counters, await readCounters(site));
  const works = await whileFlooded(storm, most, async () => ({
    ...(await probe.seeTunnel()),
    strangerMs: await probe.seeStranger(),
  }));
  probe.close();
  await sleep(CALM_MS);
  return {
    rounds,
    perSecond: (1000 * packets) / ms,
    before,
    during: most.figures,
    after: readProcess(pid),
    sent: packets,
    account,
    works,
  };
}

/** Floods until something is done. */
export async function whileFlooded<T>(storm: Storm, most: MostOfProcess, what: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const flooding = (async () => {
    while (!over.signal.aborted) {
      await storm.send(STRETCH_MS, true);
      most.look();
    }
  })();
  try {
    return await what();
  } finally {
    over.abort();
    await flooding;
  }
}

/** The most that was seen of each figure of a process. */
export class MostOfProcess {
  readonly #pid: number;
  #figures: ProcessFigures;

  constructor(pid: number) {
    this.#pid = pid;
    this.#figures = readProcess(pid);
  }

  get figures(): ProcessFigures {
    return this.#figures;
  }

  look(): void {
    const now = readProcess(this.#pid);
    const most = this.#figures;
    this.#figures = {
      residentBytes: Math.max(most.residentBytes, now.residentBytes),
      descriptors: Math.max(most.descriptors, now.descriptors),
      threads: Math.max(most.threads, now.threads),
    };
  }
}
