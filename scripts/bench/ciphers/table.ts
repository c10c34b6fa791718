// The report as text: a line per transform and library, a column per step and length.

import { align, formatFigure } from '../table.ts';
import { INNER_BYTES, STEPS, type CipherReport } from './results.ts';

const COLUMNS = INNER_BYTES.flatMap((innerBytes) => STEPS.map((step) => ({ innerBytes, step })));

export function formatCipherReport({ machine, results }: CipherReport): string {
  const head = [
    `${machine.cpuModel}, ${machine.cores} cores; Linux ${machine.kernel}; Node ${machine.node}; ${machine.date}`,
    `ns per ESP packet by the length of its inner packet, median of ${machine.runs} runs, less is better`,
  ];
  const heading = ['', 'by', ...COLUMNS.map(({ innerBytes, step }) => `${step} ${innerBytes}`)];
  const transforms = [...new Set(results.map(({ transform }) => transform))];
  const rows = transforms.flatMap((transform) => {
    const ofTransform = results.filter((result) => result.transform === transform);
    return [...new Set(ofTransform.map(({ library }) => library))].map((library) => [
      transform,
      library,
      ...COLUMNS.map(({ innerBytes, step }) => {
        const found = ofTransform.find(
          (result) => result.library === library && result.innerBytes === innerBytes && result.step === step,
        );
        return found === undefined ? '–' : formatFigure(found.median);
      }),
    ]);
  });
  return [...head, '', ...align([heading, ...rows]), ''].join('\n');
}
