// The command line. Commands come from the files beside; what starts the data plane is handed in, so that the
// CLI works where no data plane can run. Exit codes: EXIT_CODES below.

import { Command } from 'commander';

import type { Logger } from '../../base/log.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { checkFile } from './check.ts';
import { addControlCommands } from './control-commands.ts';
import { generateKey } from './keygen.ts';
import type { Output } from './output.ts';
import { addPkiCommands } from './pki-commands.ts';
import { addShellCommands } from './shell-commands.ts';
import { withConfig } from './with-config.ts';

export interface GatewayActions {
  /** Resolves when the gateway was told to stop and has stopped. */
  readonly run: (config: LoadedConfig, log: Logger) => Promise<void>;
  /** Takes away what a gateway that died left behind. */
  readonly cleanUp: (config: GatewayConfig, log: Logger) => Promise<void>;
  /** Closes the host before there is a gateway. */
  readonly guard: (config: GatewayConfig, log: Logger) => Promise<void>;
}

const EXIT_CODES = `0 done; 1 wrong usage, configuration or host; 3 no gateway answers at the socket; 4 the gateway refused, or
what was asked of it failed. Unless it is 0, standard error says why.`;

export function createProgram(version: string, actions: GatewayActions, output: Output): Command {
  const program = new Command('isthmus')
    .description('An IPsec gateway in userspace')
    .version(version)
    .configureOutput({ writeOut: output.out, writeErr: output.err })
    .addHelpText('after', `\nExit code: ${EXIT_CODES}`);

  program
    .command('check')
    .description('check a configuration file; opens no device and reads no key')
    .argument('<file>', 'configuration file')
    .action((file: string) => checkFile(file, output));

  program
    .command('run')
    .description('run the gateway until SIGTERM or SIGINT')
    .requiredOption('-c, --config <file>', 'configuration file')
    .action(({ config }: { config: string }) => withConfig(config, actions.run));

  program
    .command('keygen')
    .description('make a fresh random key: with its salt in hexadecimal for a proposal, as text for psk')
    .argument('[proposal]', 'what the key is for: a proposal, or psk for IKE', 'aes256gcm16')
    .option('-o, --out <file>', 'write it to a new file that only its owner can read')
    .action((proposal: string, { out }: { out?: string }) => generateKey(proposal, out, output));

  addControlCommands(program, output);

  addPkiCommands(program, output);

  program
    .command('cleanup')
    .description('remove the guard, routes, rules and devices that a gateway left behind')
    .requiredOption('-c, --config <file>', 'configuration file')
    .action(({ config }: { config: string }) => withConfig(config, actions.cleanUp));

  program
    .command('guard')
    .description(
      'close the host until the gateway runs: guard and unreachable routes, for the time of booting',
    )
    .requiredOption('-c, --config <file>', 'configuration file')
    .action(({ config }: { config: string }) => withConfig(config, actions.guard));

  addShellCommands(program, output, { version, exitCodes: EXIT_CODES });

  return program;
}
