// The command line of `npm run bench -- ike`.

import { Command, InvalidArgumentError } from 'commander';
import { positiveInteger } from '../positive-integer.ts';

export const PART_NAMES = [
  'handshakes',
  'network',
  'memory',
  'rekeys',
  'first-packet',
  'throughput',
] as const;
export type PartName = (typeof PART_NAMES)[number];

export interface IkeOptions {
  readonly parts: readonly PartName[];
  readonly runs: number;
  readonly seconds: number;
  readonly tunnels: number;
  readonly json: boolean;
}

const NOTE = `
Parts: handshakes  of two engines in this process, with each provider of algorithms
       network     over UDP between namespaces, beside strongSwan where it is installed (charon-systemd)
       memory      of IKE SAs with a Child SA, a tenth of --tunnels and all of them
       rekeys      of --tunnels tunnels made at once, in simulated time: how many fall into one second
       first-packet  what the first packet of a tunnel waits for, from host to host and back
       throughput  of the data plane while 50 handshakes a second run, against the same without
The figures of one run compare with each other and with nothing else.`;

function parts(text: string): readonly PartName[] {
  return text.split(',').map((name) => {
    const known = PART_NAMES.find((one) => one === name);
    if (known === undefined) throw new InvalidArgumentError(`one or more of ${PART_NAMES.join(',')}`);
    return known;
  });
}

export function ikeCommand(onRequest: (options: IkeOptions) => void): Command {
  return new Command('ike')
    .description(
      'measure IKE: handshakes, memory, rekeys, the first packet, and what it costs the data plane',
    )
    .option('--parts <list>', 'what to measure, with commas between (default: all)', parts, PART_NAMES)
    .option('--runs <number>', 'runs, of which the median is taken', positiveInteger, 5)
    .option('--seconds <number>', 'length of each run over the network', positiveInteger, 4)
    .option('--tunnels <number>', 'of the parts memory and rekeys', positiveInteger, 10_000)
    .option('--json', 'print one JSON object and nothing else', false)
    .addHelpText('after', NOTE)
    .action(onRequest);
}
