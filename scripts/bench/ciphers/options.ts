// The command line of `npm run bench -- ciphers`.

import { Command } from 'commander';
import { positiveInteger } from '../positive-integer.ts';

export interface CipherOptions {
  readonly runs: number;
  readonly json: boolean;
}

const NOTE = `
Nothing is sent, and nobody has to be root. The figures of one run compare with each other and with nothing else.`;

export function ciphersCommand(onRequest: (options: CipherOptions) => void): Command {
  return new Command('ciphers')
    .description(
      'measure, in this process, what each transform costs to seal and to open, by each library that has it',
    )
    .option('--runs <number>', 'runs, of which the median is taken', positiveInteger, 9)
    .option('--json', 'print one JSON object and nothing else', false)
    .addHelpText('after', NOTE)
    .action(onRequest);
}
