// What `npm run bench -- spd` measures and hands over: curves over the number of policies or of SAs, and the report
// printed by --json.

import type { Host } from '../machine.ts';
import type { Summary } from '../statistics.ts';

/**
 * `repeated`: one flow. `spread`: one flow for each SA, in no order. `new`: no packet is of a flow that was seen before,
 * so no cache knows it and the classifier is asked.
 */
export const CURVES = ['repeated', 'spread', 'new'] as const;
export type Curve = (typeof CURVES)[number];

export const CURVE_TITLES: Readonly<Record<Curve, string>> = {
  repeated: 'repeated flow',
  spread: 'spread over all SAs',
  new: 'new flow',
};

export const DIRECTIONS = ['outbound', 'inbound'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** What grows along a curve; the other one stays. */
export const AXES = ['policies', 'sas'] as const;
export type Axis = (typeof AXES)[number];

export const AXIS_TITLES: Readonly<Record<Axis, string>> = { policies: 'policies', sas: 'SAs' };

/**
 * `decision`: from the bytes of a packet to its policy and SA (outbound), or from an SPI to the SA and from the inner
 * packet to the verdict (inbound). `path`: everything that TypeScript does with a packet, with an engine and devices
 * that do nothing.
 */
export const SCOPES = ['decision', 'path'] as const;
export type Scope = (typeof SCOPES)[number];

export const SCOPE_TITLES: Readonly<Record<Scope, string>> = {
  decision: 'the decision',
  path: 'the whole path in TypeScript',
};

export interface SpdSize {
  readonly policies: number;
  /** In one direction. */
  readonly sas: number;
}

/** Which of the curves. */
export interface SpdCurve {
  readonly axis: Axis;
  readonly curve: Curve;
  readonly direction: Direction;
  readonly scope: Scope;
}

/** One point of a curve. */
export interface SpdPoint extends SpdSize, SpdCurve {}

export interface SpdResult extends SpdPoint, Summary {
  readonly unit: 'ns/packet';
}

/** Beside cipher contexts, keys and windows. */
export interface SpdMemory {
  readonly bytesPerSa: number;
  readonly sas: number;
}

/** Something that is asked of the figures. */
export interface Check {
  readonly name: string;
  readonly holds: boolean;
  readonly detail: string;
}

export interface SpdReport {
  readonly machine: Host;
  readonly results: readonly SpdResult[];
  readonly memory: SpdMemory;
  readonly checks: readonly Check[];
}

const POLICY_SIZES: readonly number[] = [10, 100, 1000, 10_000];
const SA_SIZES: readonly number[] = [1, 1000, 100_000];

/**
 * Every policy has an SA of its own, because an outbound SA is found by its policy. So there are as many SAs as the most
 * policies where policies grow, and as many policies as the most SAs where SAs grow.
 */
export function sizesOf(axis: Axis): readonly SpdSize[] {
  return axis === 'policies'
    ? POLICY_SIZES.map((policies) => ({ policies, sas: Math.max(...POLICY_SIZES) }))
    : SA_SIZES.map((sas) => ({ policies: Math.max(...SA_SIZES), sas }));
}

/** @returns the points of one curve, the smallest size first */
export function curveOf(
  results: readonly SpdResult[],
  { axis, curve, direction, scope }: SpdCurve,
): readonly SpdResult[] {
  return results
    .filter(
      (one) => one.axis === axis && one.curve === curve && one.direction === direction && one.scope === scope,
    )
    .sort((a, b) => a[axis] - b[axis]);
}
