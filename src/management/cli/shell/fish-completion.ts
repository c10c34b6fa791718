// Completion for fish: one line for each word and option of a command.

import { completeArgument, completeValue, type Completed } from './completed-words.ts';
import type { DescribedCommand } from './described-command.ts';

export function fishCompletion(commands: readonly DescribedCommand[]): string {
  const lines = commands.flatMap(({ path, below, args, options }) => {
    const at = conditionOf(path, below);
    const description = (name: string): string =>
      commands.find((one) => one.path === [path, name].filter((word) => word !== '').join(' '))
        ?.description ?? '';
    return [
      ...below.map((name) => `complete -c isthmus -f ${at} -a ${name} -d ${quoted(description(name))}`),
      ...args.map((one) => `complete -c isthmus ${at} ${given(completeArgument(one))}`),
      ...options.map((option) => {
        const flags = option.names.map((name) =>
          name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
        );
        const value = option.value === undefined ? [] : ['-r', given(completeValue(option))];
        return ['complete -c isthmus', at, ...flags, ...value, '-d', quoted(option.description)].join(' ');
      }),
    ];
  });
  return `# Completion of isthmus for fish, made by isthmus completion.\n${lines.join('\n')}\n`;
}

function conditionOf(path: string, below: readonly string[]): string {
  if (path === '') return '-n __fish_use_subcommand';
  const seen = path.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
  const none = below.length === 0 ? [] : [`not __fish_seen_subcommand_from ${below.join(' ')}`];
  return `-n ${quoted([...seen, ...none].join('; and '))}`;
}

function given({ words, names, files }: Completed): string {
  if (files) return '-F';
  if (words.length > 0) return `-f -a ${quoted(words.join(' '))}`;
  return names === undefined ? '-f' : `-f -a ${quoted(`(isthmus names ${names} 2>/dev/null)`)}`;
}

/** None of these texts has a backslash. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`;
}
