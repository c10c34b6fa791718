// The commands as plain values, read from the program itself: what shells complete and the manual page says is what
// --help says.

import type { Command } from 'commander';

export interface DescribedOption {
  /** `-s, --socket <path>`. */
  readonly flags: string;
  /** `-s` and `--socket`. */
  readonly names: readonly string[];
  readonly description: string;
  /** What stands behind it, as `path`; undefined: nothing. */
  readonly value: string | undefined;
  readonly choices: readonly string[];
  readonly defaultText: string | undefined;
}

export interface DescribedArgument {
  readonly name: string;
  readonly isRequired: boolean;
  readonly isVariadic: boolean;
  readonly description: string;
  readonly choices: readonly string[];
}

export interface DescribedCommand {
  /** `logs level`; empty of the program itself. */
  readonly path: string;
  readonly description: string;
  readonly args: readonly DescribedArgument[];
  readonly options: readonly DescribedOption[];
  /** Names of the commands below it. */
  readonly below: readonly string[];
}

/** The program, then each of its commands that is not hidden, those below it behind it. */
export function describeProgram(program: Command): readonly DescribedCommand[] {
  return describe(program, []);
}

function describe(command: Command, above: readonly string[]): readonly DescribedCommand[] {
  const help = command.createHelp();
  const below = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  const described: DescribedCommand = {
    path: above.join(' '),
    description: command.description(),
    args: command.registeredArguments.map((one) => ({
      name: one.name(),
      isRequired: one.required,
      isVariadic: one.variadic,
      description: withDefault(one.description, one.defaultValue),
      choices: one.argChoices ?? [],
    })),
    options: help.visibleOptions(command).map((one) => ({
      flags: one.flags,
      names: [one.short, one.long].filter((name) => name !== undefined),
      description: one.description,
      value:
        one.required || one.optional ? (/[<[](.*?)(?:\.\.\.)?[>\]]/.exec(one.flags)?.[1] ?? '') : undefined,
      choices: one.argChoices ?? [],
      defaultText: defaultTextOf(one.defaultValue),
    })),
    below: below.map((one) => one.name()),
  };
  return [described, ...below.flatMap((one) => describe(one, [...above, one.name()]))];
}

function withDefault(description: string, value: unknown): string {
  const text = defaultTextOf(value);
  return text === undefined ? description : `${description}; ${text} where it is left out`;
}

function defaultTextOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
