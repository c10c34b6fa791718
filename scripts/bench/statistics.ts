// The few statistics that the benchmark reports. Pure.

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: readonly number[];
}

/** The middle value; the mean of the two middle ones where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError('the median of no values');
  return (lower + upper) / 2;
}

/** @param runs at least one figure, in the order of the runs, which is kept */
export function summarize(runs: readonly number[]): Summary {
  const rounded = runs.map(roundFigure);
  return {
    median: roundFigure(median(runs)),
    min: Math.min(...rounded),
    max: Math.max(...rounded),
    runs: rounded,
  };
}

/** Four significant digits, as many as a benchmark can mean. */
function roundFigure(value: number): number {
  return Number(value.toPrecision(4));
}
