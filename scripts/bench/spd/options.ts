// The command line of `npm run bench -- spd`.

import { Command } from 'commander';
import { positiveInteger } from '../positive-integer.ts';

export interface SpdOptions {
  readonly runs: number;
  readonly json: boolean;
  /** undefined: spd.svg beside the table, no chart with --json. */
  readonly svg: string | undefined;
}

interface ParsedOptions {
  readonly runs: number;
  readonly json: boolean;
  readonly svg?: string;
}

const NOTE = `
Nothing is sent or encrypted, and nobody has to be root. The figures of one run compare with each other and with
nothing else.`;

export function spdCommand(onRequest: (options: SpdOptions) => void): Command {
  return new Command('spd')
    .description(
      'measure, in this process, what the decisions on a packet cost with many policies and many SAs, and the memory of an SA',
    )
    .option('--runs <number>', 'runs, of which the median is taken', positiveInteger, 15)
    .option('--json', 'print one JSON object and nothing else', false)
    .option('--svg <file>', 'write the chart to this file (default: spd.svg, with --json none)')
    .addHelpText('after', NOTE)
    .action(({ svg, ...rest }: ParsedOptions) => {
      onRequest({ ...rest, svg: svg ?? (rest.json ? undefined : 'spd.svg') });
    });
}
