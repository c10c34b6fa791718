// The manual page isthmus(1) in the macros of man(7), from the commands themselves.

import type { DescribedArgument, DescribedCommand, DescribedOption } from './described-command.ts';

export interface ManualPageParts {
  readonly version: string;
  /** What the exit codes mean, as --help says it. */
  readonly exitCodes: string;
}

export function manualPage(
  commands: readonly DescribedCommand[],
  { version, exitCodes }: ManualPageParts,
): string {
  const [program, ...rest] = commands;
  const lines = [
    `.TH ISTHMUS 1 "" "Isthmus ${escaped(version)}" "User Commands"`,
    '.SH NAME',
    `isthmus \\- ${lowered(program?.description ?? '')}`,
    '.SH SYNOPSIS',
    '.B isthmus',
    '.I command',
    '[\\fIoptions\\fR] [\\fIarguments\\fR]',
    '.SH DESCRIPTION',
    text(
      'Isthmus carries packets between networks through ESP tunnels that it protects itself, without the IPsec of the kernel. One command runs the gateway; others check its configuration, make keys and certificates, and ask a gateway that runs.',
    ),
    '.SH COMMANDS',
    ...rest.filter(doesSomething).flatMap(commandLines),
    '.SH OPTIONS',
    ...(program?.options ?? []).flatMap(optionLines),
    '.SH EXIT STATUS',
    text(exitCodes),
    '.SH ENVIRONMENT',
    ...tagged('\\fBISTHMUS_SOCKET\\fR', 'Path of the socket of the gateway that is asked; as --socket.'),
    ...tagged('\\fBNO_COLOR\\fR', 'No colours, on a terminal too.'),
    '.SH FILES',
    ...tagged('\\fI/run/isthmus/isthmus.vici\\fR', 'The socket of a gateway that runs.'),
    ...tagged('\\fI/var/lib/isthmus\\fR', 'What outlives a restart: sequence numbers that were reserved.'),
    '.SH SEE ALSO',
    '.BR ip (8),',
    '.BR nft (8),',
    '.BR swanctl (8),',
    '.BR tshark (1)',
  ];
  return `${lines.join('\n')}\n`;
}

/** It is more than a name for the commands below it. */
function doesSomething({ below, args, options }: DescribedCommand): boolean {
  return below.length === 0 || args.length > 0 || options.some(({ names }) => !names.includes('--help'));
}

function commandLines({ path, description, args, options }: DescribedCommand): readonly string[] {
  const own = options.filter(({ names }) => !names.includes('--help'));
  const synopsis = [`\\fBisthmus ${escaped(path)}\\fR`, ...args.map(argumentText)].join(' ');
  return [
    '.SS',
    synopsis,
    text(`${description.charAt(0).toUpperCase()}${description.slice(1)}.`),
    ...args.flatMap((one) => tagged(`\\fI${escaped(one.name)}\\fR`, withChoices(one))),
    ...own.flatMap(optionLines),
  ];
}

function argumentText({ name, isRequired, isVariadic }: DescribedArgument): string {
  const shown = `\\fI${escaped(name)}\\fR${isVariadic ? ' ...' : ''}`;
  return isRequired ? shown : `[${shown}]`;
}

function optionLines(option: DescribedOption): readonly string[] {
  const { flags, defaultText } = option;
  const fallback = defaultText === undefined ? '' : ` (default: ${defaultText})`;
  return tagged(`\\fB${escaped(flags)}\\fR`, `${withChoices(option)}${fallback}`);
}

function withChoices({ description, choices }: Pick<DescribedOption, 'description' | 'choices'>): string {
  return choices.length === 0 ? description : `${description}: ${choices.join(', ')}`;
}

function tagged(tag: string, said: string): readonly string[] {
  return ['.TP', tag, said === '' ? '\\&' : text(said)];
}

/** A line may not begin with a control character. */
function text(said: string): string {
  return said
    .trim()
    .split('\n')
    .map((line) => escaped(line).replace(/^[.']/, '\\&$&'))
    .join('\n');
}

function escaped(said: string): string {
  return said
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll('…', '\\&...');
}

function lowered(said: string): string {
  return escaped(said.replace(/^An? /, (article) => article.toLowerCase()));
}
