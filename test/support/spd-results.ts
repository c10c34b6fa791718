// Results of `npm run bench -- spd` whose figures a test chooses.

import {
  AXES,
  CURVES,
  DIRECTIONS,
  SCOPES,
  sizesOf,
  type SpdPoint,
  type SpdResult,
} from '../../scripts/bench/spd/results.ts';
import { summarize } from '../../scripts/bench/statistics.ts';

/** @param factors of each run */
export function spdResults(
  costOf: (point: SpdPoint) => number,
  factors: readonly number[] = [1, 1.02, 0.98],
): SpdResult[] {
  return AXES.flatMap((axis) =>
    DIRECTIONS.flatMap((direction) =>
      CURVES.flatMap((curve) =>
        SCOPES.flatMap((scope) =>
          sizesOf(axis).map((size) => {
            const point = { ...size, axis, direction, curve, scope };
            const runs = factors.map((factor) => factor * costOf(point));
            return { ...point, unit: 'ns/packet' as const, ...summarize(runs) };
          }),
        ),
      ),
    ),
  );
}
