// The command line of `npm run bench`.

import { Command, InvalidArgumentError, Option } from 'commander';
import { InvariantError } from '../../src/base/errors.ts';
import { ciphersCommand, type CipherOptions } from './ciphers/options.ts';
import { findProgram } from './find-program.ts';
import { floodsCommand, type FloodsOptions } from './floods/options.ts';
import { ikeCommand, type IkeOptions } from './ike/options.ts';
import { positiveInteger } from './positive-integer.ts';
import { type Offloads, TEST_NAMES, type TestName } from './results.ts';
import { spdCommand, type SpdOptions } from './spd/options.ts';

export interface BenchOptions {
  /** Names of peers or their beginnings; empty = all. */
  readonly peers: readonly string[];
  readonly tests: readonly TestName[];
  readonly runs: number;
  readonly seconds: number;
  readonly offloads: readonly Offloads[];
  readonly json: boolean;
  /** undefined: bench.svg beside the table, no chart with --json. */
  readonly svg: string | undefined;
  readonly installPeers: boolean;
  /** Where Isthmus' own time goes, in place of the figures. */
  readonly profile: boolean;
  /** The Node that runs Isthmus. */
  readonly node: string;
  /** Of Isthmus with the native engine, which is measured once for each. */
  readonly workers: readonly number[];
}

interface ParsedOptions {
  readonly peers: readonly string[];
  readonly tests: readonly TestName[];
  readonly runs: number;
  readonly seconds: number;
  readonly offloads: Offloads | 'both';
  readonly json: boolean;
  readonly svg?: string;
  readonly installPeers: boolean;
  readonly profile: boolean;
  readonly node: string;
  readonly workers: readonly number[];
}

const NOTE = `
Tests: ${TEST_NAMES.join(', ')}.
The figures of one run compare with each other and with nothing else.`;

/** What is to be measured: forwarded traffic, decisions or ciphers in this process, handshakes, or floods. */
export type BenchRequest =
  | { readonly command: 'traffic'; readonly options: BenchOptions }
  | { readonly command: 'spd'; readonly options: SpdOptions }
  | { readonly command: 'ciphers'; readonly options: CipherOptions }
  | { readonly command: 'ike'; readonly options: IkeOptions }
  | { readonly command: 'floods'; readonly options: FloodsOptions };

/** @param argv the arguments alone; prints and exits for --help and where they are wrong */
export function parseBenchRequest(argv: readonly string[]): BenchRequest {
  let request: BenchRequest | undefined;
  const spd = spdCommand((options) => {
    request = { command: 'spd', options };
  });
  const ciphers = ciphersCommand((options) => {
    request = { command: 'ciphers', options };
  });
  const ike = ikeCommand((options) => {
    request = { command: 'ike', options };
  });
  const floods = floodsCommand((options) => {
    request = { command: 'floods', options };
  });
  const program = benchCommand()
    .addCommand(spd)
    .addCommand(ciphers)
    .addCommand(ike)
    .addCommand(floods)
    .action((options: ParsedOptions) => {
      request = { command: 'traffic', options: complete(options) };
    });
  program.parse(argv, { from: 'user' });
  if (request === undefined) throw new InvariantError('no command was chosen');
  return request;
}

function complete({ offloads, svg, ...rest }: ParsedOptions): BenchOptions {
  return {
    ...rest,
    offloads: offloads === 'both' ? ['on', 'off'] : [offloads],
    svg: svg ?? (rest.json ? undefined : 'bench.svg'),
  };
}

function benchCommand(): Command {
  return (
    new Command('npm run bench --')
      // A subcommand has options of the same names.
      .enablePositionalOptions()
      .description(
        'measure Isthmus and other VPNs from host to host through two gateways in network namespaces',
      )
      .option('--peers <names>', 'names of peers or their beginnings, comma separated', commaSeparated, [])
      .option('--tests <names>', 'tests, comma separated', parseTests, TEST_NAMES)
      .option('--runs <number>', 'runs, of which the median is taken', positiveInteger, 3)
      .option('--seconds <number>', 'length of each run', positiveInteger, 5)
      .addOption(
        new Option('--offloads <state>', 'segmentation offloads of the link between the gateways')
          .choices(['on', 'off', 'both'])
          .default('both'),
      )
      .option('--json', 'print one JSON object and nothing else', false)
      .option('--svg <file>', 'write the chart to this file (default: bench.svg, with --json none)')
      .option('--install-peers', 'install the peers first (Debian 12)', false)
      .option(
        '--profile',
        'show where the time of a packet goes in Isthmus (needs perf), and measure nothing else',
        false,
      )
      .option('--node <path>', 'the Node that runs Isthmus', parseProgram, process.execPath)
      .option(
        '--workers <numbers>',
        'workers of Isthmus, comma separated: measured once for each',
        (text) => commaSeparated(text).map(positiveInteger),
        [1],
      )
      .addHelpText('after', NOTE)
  );
}

function commaSeparated(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}

function parseTests(text: string): TestName[] {
  const names = commaSeparated(text);
  const unknown = names.find((name) => !TEST_NAMES.some((test) => test === name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`Found ${unknown}, expected ${TEST_NAMES.join(', ')}.`);
  }
  return TEST_NAMES.filter((test) => names.includes(test));
}

function parseProgram(text: string): string {
  const path = findProgram(text);
  if (path === undefined) throw new InvalidArgumentError(`${text} is not a program.`);
  return path;
}
