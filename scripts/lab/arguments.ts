// The command line of the lab. Every mistake is one line.

import { parseArgs } from 'node:util';
import { EnvironmentError } from '../../src/base/errors.ts';
import type { Place } from '../topology/plan.ts';
import type { EngineName } from './engine-name.ts';
import type { Keying } from './site-files.ts';
import { findScenario, scenarios } from './scenarios/all-scenarios.ts';

export type LabCommand =
  | { readonly name: 'run'; readonly options: RunOptions }
  | {
      readonly name: 'up';
      readonly prefix: string;
      readonly engine: EngineName | undefined;
      readonly keying: Keying;
    }
  | { readonly name: 'down'; readonly prefix: string }
  | { readonly name: 'status'; readonly prefix: string }
  | { readonly name: 'shell'; readonly prefix: string; readonly place: Place }
  | {
      readonly name: 'capture';
      readonly prefix: string;
      readonly place: Place;
      readonly file: string | undefined;
    }
  | { readonly name: 'help' };

export interface RunOptions {
  readonly json: boolean;
  /** Length of each iperf3 run. */
  readonly seconds: number;
  /** undefined: what the example configuration says. */
  readonly engine: EngineName | undefined;
  readonly keying: Keying;
  /** undefined: the two sites, measured. */
  readonly scenario: string | undefined;
}

const scenarioLines = scenarios
  .map(({ name, sentence }) => `                         ${name.padEnd(22)}${sentence}`)
  .join('\n');

export const usage: string = `usage: npm run lab -- [COMMAND] [OPTION]...

  (no command)         join the two sites, ping, measure, take everything away again
      --json           print one JSON object and nothing else
      --seconds N      length of each iperf3 run (default 5)
      --scenario NAME  show one point, on a topology of its own:
${scenarioLines}
  up                   join the two sites and leave them running (root)
  down                 stop the gateways, remove the namespaces
  status               what is running
  shell PLACE          a shell in hostA, gwA, wan, gwB or hostB
  capture [PLACE]      tcpdump on the wan link, or where PLACE sees it
      --write FILE     write the packets to FILE, - for standard output

      --engine NAME    native or portable, for both gateways (no command, up)
      --keying NAME    ike or manual (default ike; scenarios other than site-to-site: manual)
      --name PREFIX    another lab beside the first: namespaces PREFIX-hostA, ... (default isthmus)
`;

const places: readonly Place[] = ['hostA', 'gwA', 'wan', 'gwB', 'hostB'];
const allowedOptions = {
  run: ['json', 'seconds', 'engine', 'scenario', 'keying'],
  up: ['name', 'engine', 'keying'],
  down: ['name'],
  status: ['name'],
  shell: ['name'],
  capture: ['name', 'write'],
  help: [],
} as const;

/** @throws EnvironmentError with the mistake */
export function parseArguments(argv: readonly string[]): LabCommand {
  const { values, positionals } = parse(argv);
  const [word = 'run', ...operands] = positionals;
  if (values.help === true || word === 'help') return { name: 'help' };
  if (!isCommand(word)) throw new EnvironmentError(`unknown command ${word}; try --help`);
  const allowed: readonly string[] = allowedOptions[word];
  const stranger = Object.keys(values).find((option) => !allowed.includes(option));
  if (stranger !== undefined)
    throw new EnvironmentError(`--${stranger} has no meaning for ${describe(word)}`);
  const operandLimit = word === 'shell' || word === 'capture' ? 1 : 0;
  const excess = operands[operandLimit];
  if (excess !== undefined) throw new EnvironmentError(`unexpected argument ${excess}; try --help`);
  const prefix = namePrefix(values.name ?? 'isthmus');
  switch (word) {
    case 'run': {
      const seconds = wholeSeconds(values.seconds ?? '5');
      const scenario = values.scenario === undefined ? undefined : findScenario(values.scenario).name;
      return {
        name: word,
        options: {
          json: values.json ?? false,
          seconds,
          engine: engineName(values.engine),
          keying: keyingOf(values.keying, scenario),
          scenario,
        },
      };
    }
    case 'up':
      return {
        name: word,
        prefix,
        engine: engineName(values.engine),
        keying: keyingOf(values.keying, undefined),
      };
    case 'shell':
      return { name: word, prefix, place: placeName(operands[0]) };
    case 'capture':
      return { name: word, prefix, place: placeName(operands[0] ?? 'wan'), file: values.write };
    case 'down':
    case 'status':
      return { name: word, prefix };
    case 'help':
      return { name: word };
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        seconds: { type: 'string' },
        engine: { type: 'string' },
        scenario: { type: 'string' },
        keying: { type: 'string' },
        name: { type: 'string' },
        write: { type: 'string', short: 'w' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    const [line = ''] = (error as Error).message.split(/[.\n] ?/);
    throw new EnvironmentError(`${line}; try --help`, { cause: error });
  }
}

function isCommand(word: string): word is LabCommand['name'] {
  return Object.hasOwn(allowedOptions, word);
}

function describe(command: LabCommand['name']): string {
  return command === 'run' ? 'a measurement' : command;
}

function wholeSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds >= 1 && seconds <= 3600) return seconds;
  throw new EnvironmentError(`--seconds ${text}: expected a whole number from 1 to 3600`);
}

function engineName(text: string | undefined): EngineName | undefined {
  if (text === undefined || text === 'native' || text === 'portable') return text;
  throw new EnvironmentError(`--engine ${text}: expected native or portable`);
}

/** @param scenario undefined: the two sites */
function keyingOf(text: string | undefined, scenario: string | undefined): Keying {
  const hasIke = scenario === undefined || findScenario(scenario).ike !== undefined;
  const keying = text ?? (hasIke ? 'ike' : 'manual');
  if (keying !== 'ike' && keying !== 'manual')
    throw new EnvironmentError(`--keying ${keying}: expected ike or manual`);
  if (keying === 'ike' && !hasIke)
    throw new EnvironmentError(`--keying ike: the scenario ${scenario} has manual keys only`);
  return keying;
}

/** It becomes part of file names. */
function namePrefix(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/.test(text)) return text;
  throw new EnvironmentError(`--name ${text}: expected up to 40 letters, digits, - and _`);
}

function placeName(text: string | undefined): Place {
  const place = places.find((name) => name === text);
  if (place !== undefined) return place;
  throw new EnvironmentError(`${text ?? 'no place'}: expected one of ${places.join(', ')}`);
}
