// What is asked of the curves, and whether the figures hold it. Pure.

import { median } from '../statistics.ts';
import {
  AXES,
  AXIS_TITLES,
  curveOf,
  DIRECTIONS,
  type Axis,
  type Check,
  type Direction,
  type Scope,
  type SpdCurve,
  type SpdMemory,
  type SpdResult,
} from './results.ts';

const MOST_FLATNESS = 1.1;
const MOST_BYTES_PER_SA = 1024;

/** Where a curve runs: how many there are of what grows, and what a packet costs then. */
export interface CurvePoint {
  readonly size: number;
  readonly ns: number;
}

export interface LogarithmicFit {
  /** ns = atOneNs + nsPerTenfold * log10(size), by least squares. */
  readonly atOneNs: number;
  readonly nsPerTenfold: number;
  /** Share of the variance that the line explains. */
  readonly r2: number;
}

/** @param points at least two sizes */
export function fitLogarithm(points: readonly CurvePoint[]): LogarithmicFit {
  const x = points.map(({ size }) => Math.log10(size));
  const y = points.map(({ ns }) => ns);
  const meanX = mean(x);
  const meanY = mean(y);
  const covariance = mean(x.map((value, i) => (value - meanX) * (y[i]! - meanY)));
  const nsPerTenfold = covariance / mean(x.map((value) => (value - meanX) ** 2));
  const varianceY = mean(y.map((value) => (value - meanY) ** 2));
  const explained = nsPerTenfold * covariance;
  return {
    atOneNs: meanY - nsPerTenfold * meanX,
    nsPerTenfold,
    r2: varianceY === 0 ? 1 : explained / varianceY,
  };
}

/**
 * Compares a curve with its first point times 1 + log10(size / first size): what a packet may cost where every step of
 * the logarithm costs as much as all of the first size did.
 * @returns the largest share of it that a point takes; 1 and less is at most logarithmic
 */
export function logarithmicShare(points: readonly CurvePoint[]): number {
  const first = points[0]!;
  return Math.max(
    ...points.slice(1).map(({ size, ns }) => ns / (first.ns * (1 + Math.log10(size / first.size)))),
  );
}

/** The dearest size beside the cheapest. */
export function flatness(points: readonly CurvePoint[]): number {
  const all = points.map(({ ns }) => ns);
  return Math.max(...all) / Math.min(...all);
}

export function checkReport(results: readonly SpdResult[], memory: SpdMemory): Check[] {
  const curves = AXES.flatMap((axis) => DIRECTIONS.map((direction) => ({ axis, direction })));
  return [
    ...curves.map(({ axis, direction }) => checkRepeated(axis, direction, results)),
    ...curves.map(({ axis, direction }) => checkNew(axis, direction, results)),
    {
      name: 'memory of an SA, at most 1 KiB',
      holds: memory.bytesPerSa <= MOST_BYTES_PER_SA,
      detail: `${Math.round(memory.bytesPerSa)} bytes, of ${memory.sas} SAs`,
    },
  ];
}

function checkRepeated(axis: Axis, direction: Direction, results: readonly SpdResult[]): Check {
  const ratioOf = (scope: Scope): number =>
    flatness(pointsOf(results, { axis, direction, scope, curve: 'repeated' }));
  const decision = ratioOf('decision');
  const path = ratioOf('path');
  return {
    name: `repeated flow, ${direction}, over ${AXIS_TITLES[axis]}: the same within 10 %`,
    holds: Math.max(decision, path) <= MOST_FLATNESS,
    detail: `largest to smallest ${decision.toFixed(3)} (decision), ${path.toFixed(3)} (whole path)`,
  };
}

function checkNew(axis: Axis, direction: Direction, results: readonly SpdResult[]): Check {
  const points = pointsOf(results, { axis, direction, scope: 'decision', curve: 'new' });
  const { nsPerTenfold, r2 } = fitLogarithm(points);
  const first = points[0]!;
  const last = points[points.length - 1]!;
  const grown = (last.ns / first.ns).toFixed(2);
  return {
    name: `new flow, ${direction}, over ${AXIS_TITLES[axis]}: at most logarithmic`,
    holds: logarithmicShare(points) <= 1,
    detail: `${nsPerTenfold.toFixed(0)} ns per tenfold (R² ${r2.toFixed(2)}); ${grown} times from ${first.size} to ${last.size}, a list ${last.size / first.size} times`,
  };
}

/**
 * The points of one curve. The sizes of a run were measured in turn, so they are compared run by run: what disturbed a
 * run disturbed all of them.
 */
function pointsOf(results: readonly SpdResult[], which: SpdCurve): readonly CurvePoint[] {
  const curve = curveOf(results, which);
  const first = curve[0];
  if (first === undefined) throw new RangeError('the points of no curve');
  return curve.map((one) => ({
    size: one[which.axis],
    ns: first.median * median(one.runs.map((ns, run) => ns / first.runs[run]!)),
  }));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
