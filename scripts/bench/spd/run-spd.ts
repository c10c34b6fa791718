// Measures every point of every curve, run by run. Within a run the sizes of a curve take turns every few milliseconds,
// so that what disturbs the machine disturbs them alike.

import { allocateBatchMemory, DEFAULT_BATCH_LIMITS } from '../../../src/dataplane/batch-memory.ts';
import { summarize } from '../statistics.ts';
import { measureBatches, nanosecondsPerPacket, type Measured } from './measure.ts';
import {
  AXES,
  CURVES,
  DIRECTIONS,
  SCOPES,
  sizesOf,
  type Curve,
  type SpdPoint,
  type SpdResult,
} from './results.ts';
import { buildSite } from './site.ts';
import { BATCH_PACKETS, Traffic } from './traffic.ts';

/** Not reported: until all code is compiled with what it meets. */
const WARM_UP_RUNS = 2;
/** In one run. Of the curve whose sizes are compared most closely there are more; its packets are the cheapest. */
const TURNS: Readonly<Record<Curve, number>> = { repeated: 20, spread: 4, new: 4 };
const BATCHES_PER_TURN = 25;

interface Point {
  readonly point: SpdPoint;
  readonly measured: Measured;
  readonly figures: number[];
}

/** @param say told what happens meanwhile */
export async function measureCurves(runs: number, say: (line: string) => void): Promise<SpdResult[]> {
  const curves = await prepareCurves(say);
  for (let run = -WARM_UP_RUNS; run < runs; run++) {
    say(run < 0 ? 'warming up' : `run ${run + 1} of ${runs}`);
    for (const curve of curves) {
      const figures = measureCurve(curve);
      if (run >= 0) curve.forEach((point, index) => point.figures.push(figures[index]!));
    }
  }
  return curves.flat().map(({ point, figures }) => ({ ...point, unit: 'ns/packet', ...summarize(figures) }));
}

/** @returns nanoseconds per packet of each size */
function measureCurve(sizes: readonly Point[]): number[] {
  const times = sizes.map((): number[] => []);
  const turns = Math.max(...sizes.map(({ point }) => TURNS[point.curve]));
  for (let turn = 0; turn < turns; turn++)
    sizes.forEach(({ measured }, index) => {
      measureBatches(measured, BATCHES_PER_TURN, times[index]!);
    });
  return times.map(nanosecondsPerPacket);
}

/** @returns the curves, each as its points */
async function prepareCurves(say: (line: string) => void): Promise<Point[][]> {
  const memory = allocateBatchMemory({
    ...DEFAULT_BATCH_LIMITS,
    frames: BATCH_PACKETS,
    datagramsIn: BATCH_PACKETS,
  });
  const curves = new Map<string, Point[]>();
  for (const axis of AXES) {
    for (const size of sizesOf(axis)) {
      say(`building ${size.policies} policies and ${size.sas} SAs in each direction`);
      const site = await buildSite(size, memory, BATCH_PACKETS);
      for (const direction of DIRECTIONS) {
        const traffic = new Traffic(memory, size, direction);
        for (const curve of CURVES) {
          for (const scope of SCOPES) {
            const key = [axis, direction, curve, scope].join();
            const points = curves.get(key) ?? [];
            const point = { ...size, axis, curve, direction, scope };
            points.push({ point, measured: { site, traffic, direction, curve, scope }, figures: [] });
            curves.set(key, points);
          }
        }
      }
    }
  }
  return [...curves.values()];
}
