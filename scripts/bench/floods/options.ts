// The command line of `npm run bench -- floods`.

import { Command, InvalidArgumentError } from 'commander';
import { positiveInteger } from '../positive-integer.ts';
import { DESCRIPTIONS, PACKET_FLOODS, type PacketFlood } from './kinds.ts';
import { CLIENT_STORMS, type ClientStorm } from './storm.ts';

export type FloodName = PacketFlood | ClientStorm;
const FLOOD_NAMES: readonly FloodName[] = [...PACKET_FLOODS, ...CLIENT_STORMS];

export interface FloodsOptions {
  readonly kinds: readonly FloodName[];
  readonly rate: number;
  readonly clients: number;
  readonly rounds: number;
  readonly json: string | undefined;
}

const NOTE = `
Floods:
${PACKET_FLOODS.map((kind) => `  ${kind.padEnd(15)} ${DESCRIPTIONS[kind]}`).join('\n')}
  vici-clients    clients of the management socket, half of them with packets that are none
  http-clients    clients of the status page, half of them with requests that are none
A gateway with a tunnel is flooded while TCP goes through it, in turns with the same packets to a closed port.`;

function kinds(text: string): readonly FloodName[] {
  return text.split(',').map((name) => {
    const known = FLOOD_NAMES.find((one) => one === name);
    if (known === undefined) throw new InvalidArgumentError(`one or more of ${FLOOD_NAMES.join(',')}`);
    return known;
  });
}

export function floodsCommand(onRequest: (options: FloodsOptions) => void): Command {
  return new Command('floods')
    .description('flood a gateway and measure what its tunnel keeps')
    .option('--kinds <list>', 'floods, with commas between (default: all)', kinds, FLOOD_NAMES)
    .option('--rate <number>', 'packets a second', positiveInteger, 100_000)
    .option('--clients <number>', 'clients a second of the last two', positiveInteger, 500)
    .option('--rounds <number>', 'rounds, of which the median is taken', positiveInteger, 12)
    .option('--json <file>', 'write all figures to this file, too')
    .addHelpText('after', NOTE)
    .action(onRequest);
}
