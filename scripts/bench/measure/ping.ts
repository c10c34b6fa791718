// Round trip time from host to host on an idle tunnel.

import { SITES } from '../sites.ts';
import { median } from '../statistics.ts';
import type { Visit } from './visit.ts';

const PINGS = 100;
const INTERVAL_SECONDS = 0.01;

/** @returns the median in milliseconds */
export async function measurePing(visit: Visit): Promise<number> {
  const output = await visit.topology.runOrThrow('hostA', [
    ...['ping', '-n', '-c', String(PINGS), '-i', String(INTERVAL_SECONDS), '-W', '1', SITES.gwB.hostAddress],
  ]);
  return median(parsePingTimes(output));
}

/** @returns the milliseconds of each answer */
export function parsePingTimes(output: string): number[] {
  return [...output.matchAll(/ time=([\d.]+) ms/g)].map(([, time]) => Number(time));
}
