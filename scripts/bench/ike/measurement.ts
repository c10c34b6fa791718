// One figure of `npm run bench -- ike`, and the line that shows it. Pure.

import { summarize } from '../statistics.ts';
import { formatFigure } from '../table.ts';

export interface Measurement {
  readonly what: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly how: string;
}

/** @param values of the runs, at least one */
export function measurement(what: string, unit: string, values: readonly number[], how: string): Measurement {
  const { median, min, max } = summarize(values);
  return { what, unit, median, min, max, how };
}

export function formatMeasurement({ what, unit, median, min, max, how }: Measurement): string {
  const spread = min === max ? '' : ` (${formatFigure(min)} to ${formatFigure(max)})`;
  return `${what}: ${formatFigure(median)} ${unit}${spread}; ${how}`;
}

/** How many things fell into the fullest second, and in the mean from the first second to the last. */
export function busiestSecond(timesMs: readonly number[]): {
  readonly most: number;
  readonly mean: number;
  readonly seconds: number;
} {
  const counts = new Map<number, number>();
  let [first, last] = [Infinity, -Infinity];
  for (const timeMs of timesMs) {
    const second = Math.floor(timeMs / 1000);
    counts.set(second, (counts.get(second) ?? 0) + 1);
    first = Math.min(first, second);
    last = Math.max(last, second);
  }
  const seconds = counts.size === 0 ? 0 : last - first + 1;
  return {
    most: Math.max(0, ...counts.values()),
    mean: seconds === 0 ? 0 : timesMs.length / seconds,
    seconds,
  };
}
