// The commands that ask a gateway which runs, over its vici socket, and their options. What does it is loaded by the
// commands alone.

import { Option, type Command } from 'commander';

import { RUNTIME_DIRECTORY, SOCKET_NAME } from '../vici/socket-path.ts';
import type { StatusOptions } from './control/status.ts';
import type { Output } from './output.ts';

const DEFAULT_SOCKET = `${RUNTIME_DIRECTORY}/${SOCKET_NAME}`;

export function addControlCommands(program: Command, output: Output): void {
  controlCommand(program, 'status', 'the gateway, its peers and tunnels: up, or down and why')
    .option('--down', 'only peers with a tunnel that is not up')
    .action(async (options: StatusOptions) =>
      (await import('./control/status.ts')).showStatus(options, output),
    );
}

function controlCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .addOption(
      new Option('-s, --socket <path>', 'of the gateway').default(DEFAULT_SOCKET).env('ISTHMUS_SOCKET'),
    )
    .option('--json', 'JSON on standard output');
}
