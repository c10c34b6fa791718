// Runs iproute2's `ip`, and turns what goes wrong into one line that says what to do.

import type { AddressFamily } from '../base/address.ts';
import { EnvironmentError } from '../base/errors.ts';
import { runProgram, type ProgramResult } from './run-program.ts';

/** One field-value object of `ip -json`. */
export type IpObject = Readonly<Record<string, unknown>>;

/** Runs `ip` with arguments and a text on its standard input. Any exit code is a result. */
export function runIp(args: readonly string[], input = ''): Promise<ProgramResult> {
  return runProgram('ip', args, input, "the command 'ip' is missing: apt-get install iproute2");
}

/** Runs a query with `-json`. @returns no objects where the family, the table or the device does not exist */
export async function queryIp(args: readonly string[]): Promise<readonly IpObject[]> {
  const result = await runIp(['-json', ...args]);
  if (result.code !== 0) {
    if (/does not exist|not supported/i.test(result.complaint)) return [];
    throw ipError(`ip ${args.join(' ')}`, result.complaint);
  }
  return parseIpJson(result.output);
}

/**
 * Several queries of one family in one process: starting it costs more than what it does.
 * @returns the objects of each, as {@link queryIp}
 */
export async function queryIpTogether(
  family: AddressFamily,
  queries: readonly string[],
): Promise<readonly (readonly IpObject[])[]> {
  const option = `-${String(family)}`;
  const input = queries.map((query) => `${query}\n`).join('');
  const { code, output } = await runIp(['-json', option, '-force', '-batch', '-'], input);
  const answers = output.split('\n').filter((line) => line !== '');
  // A query that failed may have no line: then nobody knows which is whose.
  if (code !== 0 || answers.length !== queries.length)
    return Promise.all(queries.map((query) => queryIp([option, ...query.split(' ')])));
  return answers.map(parseIpJson);
}

/** Reads one JSON array of `ip -json`; it prints nothing at all where there is nothing to show. */
export function parseIpJson(text: string): readonly IpObject[] {
  return text.trim() === '' ? [] : (JSON.parse(text) as IpObject[]);
}

/** Runs commands of one family as one batch, and stops at the first that fails. */
export async function changeWithIp(family: AddressFamily, commands: readonly string[]): Promise<void> {
  if (commands.length === 0) return;
  const result = await runIp(
    [`-${String(family)}`, '-batch', '-'],
    commands.map((command) => `${command}\n`).join(''),
  );
  if (result.code === 0) return;
  const line = Number(/Command failed -:(\d+)/.exec(result.complaint)?.[1] ?? 1);
  throw ipError(`ip -${String(family)} ${commands[line - 1] ?? ''}`, result.complaint);
}

/** Runs all commands of one family, those after a failed one too. @returns the complaint, empty where all succeeded */
export async function tryWithIp(family: AddressFamily, commands: readonly string[]): Promise<string> {
  if (commands.length === 0) return '';
  const input = commands.map((command) => `${command}\n`).join('');
  return (await runIp([`-${String(family)}`, '-force', '-batch', '-'], input)).complaint;
}

/** @param command what was run, for the message */
export function ipError(command: string, complaint: string): EnvironmentError {
  const reason = complaint
    .split('\n')
    .filter((line) => line !== '' && !/^(Command failed|Dump terminated)/.test(line))
    .join('; ');
  const advice = /not permitted|Permission denied/i.test(reason)
    ? ' (needs CAP_NET_ADMIN: run as root or give it with AmbientCapabilities=CAP_NET_ADMIN)'
    : '';
  return new EnvironmentError(`${command}: ${reason === '' ? 'failed' : reason}${advice}`);
}
