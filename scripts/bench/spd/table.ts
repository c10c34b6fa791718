// The report as text: for each thing that grows, direction and scope one block, with a line per curve and a column per
// size; then what was asked of the figures, and whether they hold it.

import { align, formatFigure } from '../table.ts';
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
  type SpdReport,
  type SpdResult,
} from './results.ts';

export function formatSpdReport({ machine, results, memory, checks }: SpdReport): string {
  const head = [
    `${machine.cpuModel}, ${machine.cores} cores; Linux ${machine.kernel}; Node ${machine.node}; ${machine.date}`,
    `ns per packet, median of ${machine.runs} runs (minimum–maximum), less is better`,
  ].join('\n');
  const blocks = AXES.flatMap((axis) =>
    DIRECTIONS.flatMap((direction) =>
      SCOPES.map((scope) => {
        const rows = CURVES.map((curve) => [
          CURVE_TITLES[curve],
          ...curveOf(results, { axis, direction, scope, curve }).map(formatCell),
        ]);
        const heading = ['', ...sizesOf(axis).map((size) => formatFigure(size[axis]))];
        return [
          `${direction}, ${SCOPE_TITLES[scope]}, over the number of ${AXIS_TITLES[axis]} (${whatStays(axis)})`,
          ...align([heading, ...rows]),
        ].join('\n');
      }),
    ),
  );
  const perSa = `memory of an SA beside cipher context, keys and window: ${formatFigure(memory.bytesPerSa)} bytes, of ${formatFigure(memory.sas)} SAs`;
  const verdicts = checks.map(
    ({ name, holds, detail }) => `${holds ? 'holds' : 'DOES NOT HOLD'}: ${name}: ${detail}`,
  );
  return `${[head, ...blocks, perSa, verdicts.join('\n')].join('\n\n')}\n`;
}

/** What the other axis has at every size of this one. */
export function whatStays(axis: Axis): string {
  const { policies, sas } = sizesOf(axis)[0]!;
  return axis === 'policies'
    ? `${formatFigure(sas)} SAs in each direction, shared out among the policies`
    : `${formatFigure(policies)} policies`;
}

function formatCell({ median, min, max }: SpdResult): string {
  return `${formatFigure(median)} (${formatFigure(min)}–${formatFigure(max)})`;
}
