// The command line. Commands come from the files beside; what starts the data plane is handed in, so that the
// CLI works where no data plane can run. Exit codes: EXIT_CODES below.

import { Command, Option } from 'commander';

import type { Logger } from '../../base/log.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { AskPeer } from '../doctor/peer-question.ts';
import { checkFile } from './check.ts';
import { addControlCommands, DEFAULT_SOCKET } from './control-commands.ts';
import type { DoctorOptions } from './doctor.ts';
import type { ImportOptions } from './import.ts';
import { generateKey } from './keygen.ts';
import type { Output } from './output.ts';
import { addPkiCommands } from './pki-commands.ts';
import { addShellCommands } from './shell-commands.ts';
import { withConfig } from './with-config.ts';

export interface GatewayActions {
  /**
   * Gives away what the gateway does not need. Does not return where that takes a new start of the program.
   * @param user to become; undefined: as the configuration says
   */
  readonly shedPrivileges: (config: GatewayConfig, log: Logger, user: string | undefined) => Promise<void>;
  /** Resolves when the gateway was told to stop and has stopped. */
  readonly run: (config: LoadedConfig, log: Logger) => Promise<void>;
  /** Takes away what a gateway that died left behind. */
  readonly cleanUp: (config: GatewayConfig, log: Logger) => Promise<void>;
  /** Closes the host before there is a gateway. */
  readonly guard: (config: GatewayConfig, log: Logger) => Promise<void>;
  /** Why the native addon cannot be loaded; undefined: it can. */
  readonly addonProblem: () => Promise<string | undefined>;
  readonly askPeer: AskPeer;
}

const EXIT_CODES = `0 done; 1 wrong usage, configuration or host; 3 no gateway answers at the socket; 4 the gateway refused, or
what was asked of it failed, or a check of doctor. Unless it is 0, standard error says why.`;

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
    .command('import')
    .description('make a configuration of one for strongSwan, and list what was not carried over')
    .argument('<file>', 'swanctl.conf or ipsec.conf; what belongs to it is looked for beside it')
    .option('-o, --output <file>', 'write it to a new file, and what it needs beside it')
    .option('--force', 'overwrite')
    .addOption(
      new Option(
        '--local <side>',
        'of ipsec.conf: the side of this gateway; otherwise the one with an address of this host, or left',
      ).choices(['left', 'right']),
    )
    .option('--json', 'JSON on standard output')
    .action(async (file: string, options: ImportOptions) =>
      (await import('./import.ts')).importFile(file, options, output),
    );

  program
    .command('run')
    .description('run the gateway until SIGTERM or SIGINT')
    .requiredOption('-c, --config <file>', 'configuration file')
    .option('--user <name>', 'become this user, in place of gateway.user; CAP_NET_ADMIN is kept')
    .action(({ config, user }: { config: string; user?: string }) =>
      withConfig(config, actions.run, (loaded, log) => actions.shedPrivileges(loaded, log, user)),
    );

  program
    .command('keygen')
    .description('make a fresh random key: with its salt in hexadecimal for a proposal, as text for psk')
    .argument('[proposal]', 'what the key is for: a proposal, or psk for IKE', 'aes256gcm16')
    .option('-o, --out <file>', 'write it to a new file that only its owner can read')
    .action((proposal: string, { out }: { out?: string }) => generateKey(proposal, out, output));

  addControlCommands(program, output);

  program
    .command('doctor')
    .description('look for what keeps a gateway from working here, and say what mends it; changes nothing')
    .argument('[file]', 'configuration file; that of the gateway that runs where it is left out')
    .addOption(new Option('-s, --socket <path>', 'of the gateway').env('ISTHMUS_SOCKET'))
    .option('--json', 'JSON on standard output')
    .action(async (file: string | undefined, options: DoctorOptions) =>
      (await import('./doctor.ts')).runDoctor(
        file,
        options,
        { socket: DEFAULT_SOCKET, addonProblem: actions.addonProblem, askPeer: actions.askPeer },
        output,
      ),
    );

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
