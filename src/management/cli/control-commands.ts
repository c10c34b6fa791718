// The commands that ask a gateway which runs, over its vici socket, and their options. What does it is loaded by the
// commands alone.

import { Argument, InvalidArgumentError, Option, type Command } from 'commander';

import { TABLES, type TableRow } from '../vici/extensions/tables.ts';
import { RUNTIME_DIRECTORY, SOCKET_NAME } from '../vici/socket-path.ts';
import { LOG_LEVELS } from '../../base/log.ts';
import { SUBSYSTEMS } from '../../base/log-levels.ts';
import { parseSizeBytes } from '../../base/units.ts';
import type { CaptureOptions } from './control/capture.ts';
import type { DownOptions, DriveOptions } from './control/drive.ts';
import type { ExplainOptions } from './control/explain.ts';
import { LEVELS } from './control/log-levels.ts';
import type { LogOptions } from './control/logs.ts';
import type { StatusOptions } from './control/status.ts';
import type { WatchOptions } from './control/watch.ts';
import type { ControlOptions } from './control/with-session.ts';
import type { Output } from './output.ts';

export const DEFAULT_SOCKET: string = `${RUNTIME_DIRECTORY}/${SOCKET_NAME}`;

/** vici's times are milliseconds of at most nine digits. */
const MOST_SECONDS = 86_400;

export function addControlCommands(program: Command, output: Output): void {
  controlCommand(program, 'status', 'the gateway, its peers and tunnels: up, or down and why')
    .option('--down', 'only peers with a tunnel that is not up')
    .action(async (options: StatusOptions) =>
      (await import('./control/status.ts')).showStatus(options, output),
    );

  controlCommand(program, 'page', 'the address that opens the status page, in a browser of this host').action(
    async (options: ControlOptions) => (await import('./control/page.ts')).showPage(options, output),
  );

  controlCommand(program, 'sa', 'IKE SAs and their Child SAs')
    .argument('[name]', 'only those of a peer or policy')
    .action(async (name: string | undefined, options: ControlOptions) =>
      (await import('./control/sas.ts')).showSas(name, options, output),
    );

  controlCommand(program, 'policies', 'the SPD in order, with what each policy carried').action(
    async (options: ControlOptions) => (await import('./control/policies.ts')).showPolicies(options, output),
  );

  controlCommand(program, 'tables', 'the SAD as tables: values hexadecimal, times in seconds left of all')
    .addArgument(new Argument('[table]', 'only this one').choices(TABLES))
    .action(async (table: TableRow['table'] | undefined, options: ControlOptions) =>
      (await import('./control/tables.ts')).showTables(table, options, output),
    );

  controlCommand(program, 'watch', 'the status again and again, with what goes through each tunnel')
    .addOption(new Option('-i, --interval <seconds>', 'between two looks').default(1).argParser(readSeconds))
    .addOption(new Option('-n, --count <number>', 'ends after so many looks').argParser(readCount))
    .action(async (options: WatchOptions) =>
      (await import('./control/watch.ts')).watchStatus(options, output),
    );

  const logs = controlCommand(
    program,
    'logs',
    'what the gateway logs from now on, as far as gateway.log_level lets it',
  )
    .addOption(new Option('-l, --level <level>', 'and what is graver').choices(LEVELS).default('debug'))
    .option('--peer <name>', 'only what is about this peer')
    .option('--policy <name>', 'only what is about this policy')
    .action(async (options: LogOptions) => (await import('./control/logs.ts')).followLog(options, output));

  logs
    .command('level')
    .description('how much each subsystem logs; or another level for one, until the gateway ends')
    .addArgument(new Argument('[subsystem]', 'which').choices([...SUBSYSTEMS, 'all']))
    .addArgument(
      new Argument('[level]', 'default: as the configuration says').choices([...LOG_LEVELS, 'default']),
    )
    .action(async (subsystem: string | undefined, level: string | undefined, _: unknown, command: Command) =>
      (await import('./control/log-level.ts')).logLevels(subsystem, level, command.optsWithGlobals(), output),
    );

  controlCommand(
    program,
    'explain',
    'what would become of a packet and of its answer, and why; nothing is sent',
  )
    .argument('<from>', 'address')
    .argument('<to>', 'address')
    .argument('[protocol]', 'tcp, udp, icmp … or a number', 'icmp')
    .argument('[port]', 'at the destination; of ICMP the type, which is an echo request where it is left out')
    .option('--source-port <port>', 'one of those for clients where it is left out')
    .action(
      async (from: string, to: string, protocol: string, port: string | undefined, options: ExplainOptions) =>
        (await import('./control/explain.ts')).explainFlow({ from, to, protocol, port }, options, output),
    );

  controlCommand(
    program,
    'capture',
    'packets as pcapng, for Wireshark and tshark: in clear, as ESP, or both; dropped ones with the reason',
  )
    .argument('<file>', 'a new file, or - for standard output')
    .option('--inner', 'only packets of the protected side, in clear')
    .option('--outer', 'only ESP and IKE')
    .option('--policy <name>', 'only what this policy decides on, and what its SAs carry')
    .option('--peer <name>', 'only what is with this peer')
    .addOption(new Option('-n, --count <packets>', 'ends after so many').argParser(readCount))
    .addOption(new Option('--seconds <seconds>', 'ends after so long').argParser(readCount))
    .addOption(new Option('--size <size>', 'ends before the file is larger: 100MB').argParser(readSize))
    .addOption(new Option('--snaplen <bytes>', 'keeps so much of each packet').argParser(readCount))
    .action(async (file: string, options: CaptureOptions) =>
      (await import('./control/capture.ts')).capturePackets(file, options, output),
    );

  driveCommand(program, 'up', 'make the SAs of a policy, or of all policies with a peer').action(
    async (name: string, options: DriveOptions) =>
      (await import('./control/drive.ts')).bringUp(name, options, output),
  );

  driveCommand(program, 'down', 'delete the SAs of a policy, or all with a peer, and tell the peer')
    .option('--force', 'of a peer: without waiting until it has confirmed it')
    .action(async (name: string, options: DownOptions) =>
      (await import('./control/drive.ts')).takeDown(name, options, output),
    );

  driveCommand(
    program,
    'rekey',
    'new keys: for the Child SAs of a policy, or the IKE SAs with a peer',
  ).action(async (name: string, options: DriveOptions) =>
    (await import('./control/drive.ts')).rekey(name, options, output),
  );

  controlCommand(program, 'reload', 'the gateway reads its file again; what has not changed goes on').action(
    async (options: ControlOptions) => (await import('./control/reload.ts')).reloadFile(options, output),
  );
}

function driveCommand(program: Command, name: string, description: string): Command {
  return controlCommand(program, name, description)
    .argument('<name>', 'of a PROTECT policy, or of a peer')
    .addOption(new Option('-t, --timeout <seconds>', 'waits so long').default(60).argParser(readSeconds))
    .addOption(new Option('--policy', 'the name is that of a policy').conflicts('peer'))
    .option('--peer', 'the name is that of a peer');
}

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (text !== '' && seconds > 0 && seconds <= MOST_SECONDS) return seconds;
  throw new InvalidArgumentError(`expected a number above 0, and at most ${MOST_SECONDS}.`);
}

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('expected a whole number above 0.');
}

function readSize(text: string): number {
  const bytes = parseSizeBytes(text);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw new InvalidArgumentError('expected a size: 500kB, 100MB, 1GiB.');
}

function controlCommand(program: Command, name: string, description: string): Command {
  return controlOptions(program.command(name).description(description));
}

/** Of every command that asks a gateway. */
export function controlOptions(command: Command): Command {
  return command
    .addOption(
      new Option('-s, --socket <path>', 'of the gateway').default(DEFAULT_SOCKET).env('ISTHMUS_SOCKET'),
    )
    .option('--json', 'JSON on standard output');
}
