// The curves as an SVG, nanoseconds per packet over size, both logarithmic: a panel for each thing that grows and each
// direction; the decision is dashed, the whole path drawn through. A bar goes from the fastest run to the slowest.

import { scaleLog } from 'd3-scale';
import { line, round, text } from '../svg.ts';
import { formatFigure } from '../table.ts';
import {
  AXES,
  AXIS_TITLES,
  CURVE_TITLES,
  CURVES,
  curveOf,
  DIRECTIONS,
  SCOPE_TITLES,
  SCOPES,
  sizesOf,
  type Axis,
  type Curve,
  type Direction,
  type Scope,
  type SpdReport,
  type SpdResult,
} from './results.ts';
import { whatStays } from './table.ts';

const PANEL_WIDTH = 560;
const PANEL_HEIGHT = 380;
const PAGE_HEAD = 76;
const LEFT = 64;
const RIGHT = 24;
const TOP = 40;
const BOTTOM = 48;
const COLOURS: Readonly<Record<Curve, string>> = { repeated: '#1f6fb2', spread: '#e08a2c', new: '#3a923a' };
const DASHES: Readonly<Record<Scope, string>> = { decision: '5 4', path: 'none' };

type Scale = (value: number) => number;

export function renderSpdChart({ machine, results }: SpdReport): string {
  const width = AXES.length * PANEL_WIDTH;
  const height = PAGE_HEAD + DIRECTIONS.length * PANEL_HEIGHT;
  const caption = `TypeScript's share of a packet, ns: ${machine.cpuModel}, Node ${machine.node}; median of ${machine.runs} runs; ${machine.date.slice(0, 10)}`;
  const panels = DIRECTIONS.flatMap((direction, row) =>
    AXES.map((axis, column) => {
      const at = `translate(${column * PANEL_WIDTH} ${PAGE_HEAD + row * PANEL_HEIGHT})`;
      return `<g transform="${at}">${renderPanel(axis, direction, results)}</g>`;
    }),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(16, 24, caption, 'font-size="13"'),
    ...legend(16, 50),
    ...panels,
    '</svg>\n',
  ].join('\n');
}

function renderPanel(axis: Axis, direction: Direction, results: readonly SpdResult[]): string {
  const sizes = sizesOf(axis).map((size) => size[axis]);
  // Both panels of a row have one scale.
  const ofRow = results.filter((one) => one.direction === direction);
  const lowest = Math.min(...ofRow.map(({ min }) => min));
  const highest = Math.max(...ofRow.map(({ max }) => max));
  const x = scaleLog([Math.min(...sizes), Math.max(...sizes)], [LEFT, PANEL_WIDTH - RIGHT]);
  const y = scaleLog([lowest / 1.2, highest * 1.2], [PANEL_HEIGHT - BOTTOM, TOP]);
  return [
    text(16, 22, `${direction}, over ${AXIS_TITLES[axis]} (${whatStays(axis)})`, 'font-weight="bold"'),
    ...sizes.flatMap((size) => [
      line(x(size), TOP, x(size), PANEL_HEIGHT - BOTTOM, '#dddddd'),
      text(x(size), PANEL_HEIGHT - BOTTOM + 16, formatFigure(size), TICK_TEXT),
    ]),
    ...ticksBetween(lowest / 1.2, highest * 1.2).flatMap((ns) => [
      line(LEFT, y(ns), PANEL_WIDTH - RIGHT, y(ns), '#dddddd'),
      text(LEFT - 8, y(ns) + 4, formatFigure(ns), 'fill="#666666" font-size="10" text-anchor="end"'),
    ]),
    ...CURVES.flatMap((curve) =>
      SCOPES.map((scope) => renderCurve(curveOf(results, { axis, direction, scope, curve }), x, y)),
    ),
  ].join('\n');
}

const TICK_TEXT = 'fill="#666666" font-size="10" text-anchor="middle"';

function renderCurve(points: readonly SpdResult[], x: Scale, y: Scale): string {
  const first = points[0];
  if (first === undefined) return '';
  const { axis, curve, scope } = first;
  const colour = COLOURS[curve];
  const path = points.map((one) => `${round(x(one[axis]))},${round(y(one.median))}`).join(' ');
  const dots = points.map((one) => {
    const at = x(one[axis]);
    const dot = `<circle cx="${round(at)}" cy="${round(y(one.median))}" r="3" fill="${colour}"/>`;
    return line(at, y(one.min), at, y(one.max), colour) + dot;
  });
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.5" stroke-dasharray="${DASHES[scope]}"/>${dots.join('')}`;
}

/** 1, 2 and 5 of every power of ten. */
function ticksBetween(lowest: number, highest: number): number[] {
  const ticks: number[] = [];
  for (let power = 10 ** Math.floor(Math.log10(lowest)); power <= highest; power *= 10)
    ticks.push(...[1, 2, 5].map((digit) => digit * power));
  return ticks.filter((tick) => tick >= lowest && tick <= highest);
}

function legend(x: number, y: number): string[] {
  const curves = CURVES.map((curve, index) => {
    const left = x + index * 170;
    return line(left, y - 4, left + 24, y - 4, COLOURS[curve]) + text(left + 30, y, CURVE_TITLES[curve], '');
  });
  const scopes = SCOPES.map((scope, index) => {
    const left = x + 530 + index * 150;
    const sample = `<line x1="${left}" y1="${y - 4}" x2="${left + 24}" y2="${y - 4}" stroke="#222222" stroke-dasharray="${DASHES[scope]}"/>`;
    return sample + text(left + 30, y, SCOPE_TITLES[scope], '');
  });
  return [...curves, ...scopes];
}
