// Runs nftables' `nft`, and turns what goes wrong into one line that says what to do.

import { EnvironmentError } from '../base/errors.ts';
import { runProgram, type ProgramResult } from './run-program.ts';

const MISSING =
  "the command 'nft' is missing, and the guard needs it: apt-get install nftables, or write guard: none";

function runNft(args: readonly string[], input = ''): Promise<ProgramResult> {
  return runProgram('nft', args, input, MISSING);
}

/** Takes a whole file of commands into the kernel, all of it or nothing. */
export async function changeWithNft(commands: string): Promise<void> {
  const result = await runNft(['-f', '-'], commands);
  if (result.code !== 0) throw nftError(result.complaint);
}

/** Lists as JSON. @returns undefined where what is asked for is not there */
export async function queryNft(args: readonly string[]): Promise<readonly NftObject[] | undefined> {
  const result = await runNft(['-j', 'list', ...args]);
  if (result.code !== 0) {
    if (/No such file or directory/.test(result.complaint)) return undefined;
    throw nftError(result.complaint);
  }
  return (JSON.parse(result.output) as { nftables: NftObject[] }).nftables;
}

/** One object of `nft -j`: its kind, and its fields. */
export type NftObject = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

function nftError(complaint: string): EnvironmentError {
  // The first line says what; those after it repeat the text and point into it.
  const reason = complaint.split('\n').find((line) => line.trim() !== '') ?? 'failed';
  const advice = /not permitted|Permission denied/i.test(complaint)
    ? ' (needs CAP_NET_ADMIN: run as root or give it with AmbientCapabilities=CAP_NET_ADMIN)'
    : /not supported|No such file|protocol/i.test(complaint)
      ? ' (this kernel lacks a part of nftables; guard: none does without the guard)'
      : '';
  return new EnvironmentError(`nft: ${reason.trim()}${advice}`);
}
