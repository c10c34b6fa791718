// Whether a gateway that has run for a while needs no more than before: figures at the ends of equal stretches, those of
// the first third left out, in which it warms up. Pure.

export interface SoakSample {
  /** Since the start of the soak. */
  readonly atMs: number;
  /** Of the main thread, after a collection. */
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly descriptors: number;
  readonly threads: number;
  /** Timers, sockets and requests that keep the event loop busy. */
  readonly resources: number;
  readonly ikeSas: number;
  readonly childSas: number;
}

const MEGABYTE = 2 ** 20;

/** How much more the last third may have than the middle one, by medians. */
const MOST_MORE: Readonly<Record<Exclude<keyof SoakSample, 'atMs'>, number>> = {
  heapBytes: 2 * MEGABYTE,
  residentBytes: 16 * MEGABYTE,
  descriptors: 0,
  threads: 0,
  resources: 1,
  ikeSas: 0,
  childSas: 1,
};

/** @param samples in the order of time, at least six @returns what has grown, in words */
export function findGrowth(samples: readonly SoakSample[]): readonly string[] {
  const third = Math.floor(samples.length / 3);
  if (third < 2) throw new RangeError(`${samples.length} samples say nothing`);
  const middle = samples.slice(-2 * third, -third);
  const last = samples.slice(-third);
  return (Object.keys(MOST_MORE) as (keyof typeof MOST_MORE)[]).flatMap((figure) => {
    const [before, after] = [median(middle, figure), median(last, figure)];
    return after - before > MOST_MORE[figure] ? [`${figure} has grown from ${before} to ${after}`] : [];
  });
}

function median(samples: readonly SoakSample[], figure: keyof SoakSample): number {
  const sorted = samples.map((sample) => sample[figure]).sort((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}
