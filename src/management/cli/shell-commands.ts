// The commands for shells: completion, the names that it asks for, and the manual page. Two are hidden: people do not need them.

import { Argument, type Command } from 'commander';

import { controlOptions } from './control-commands.ts';
import type { ControlOptions } from './control/with-session.ts';
import type { Output } from './output.ts';
import { bashCompletion } from './shell/bash-completion.ts';
import { describeProgram } from './shell/described-command.ts';
import { fishCompletion } from './shell/fish-completion.ts';
import { manualPage, type ManualPageParts } from './shell/manual-page.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
const KINDS = ['policies', 'peers', 'all'] as const;

export function addShellCommands(program: Command, output: Output, parts: ManualPageParts): void {
  program
    .command('completion')
    .description('print what completes isthmus in a shell: eval "$(isthmus completion bash)"')
    .addArgument(new Argument('<shell>', 'which').choices(SHELLS))
    .action((shell: (typeof SHELLS)[number]) => {
      const commands = describeProgram(program);
      output.out(shell === 'fish' ? fishCompletion(commands) : bashCompletion(commands));
    });

  controlOptions(program.command('names', { hidden: true }))
    .description('names that a gateway knows, for completion')
    .addArgument(new Argument('<kind>', 'of what').choices(KINDS))
    .action(async (kind: (typeof KINDS)[number], options: ControlOptions) =>
      (await import('./control/names.ts')).listNames(kind, options, output),
    );

  program
    .command('manual', { hidden: true })
    .description('the manual page, for man')
    .action(() => {
      output.out(manualPage(describeProgram(program), parts));
    });
}
