// A person's way into a lab that is up: a shell in a place, or tcpdump there. Both share this terminal.

import { once } from 'node:events';
import { EnvironmentError } from '../../src/base/errors.ts';
import { wanSideInterface } from '../topology/plan.ts';
import type { Place } from '../topology/plan.ts';
import { nameOption, shellEnvironment, standingTopology } from './standing-lab.ts';

/** @returns the shell's exit code */
export async function openShell(prefix: string, place: Place): Promise<number> {
  return await runThere(prefix, place, [process.env['SHELL'] ?? '/bin/sh']);
}

/** @param file as tcpdump's -w: a file, or - for standard output; undefined prints the packets as text */
export async function capture(prefix: string, place: Place, file: string | undefined): Promise<number> {
  // Each packet at once. Root stays root: Debian's tcpdump would become a user who cannot write everywhere.
  const output = file === undefined ? ['-l'] : ['-U', '-w', file];
  const options = ['-n', '--immediate-mode', '-Z', 'root', '-i', wanSideInterface[place]];
  return await runThere(prefix, place, ['tcpdump', ...options, ...output]);
}

async function runThere(prefix: string, place: Place, command: readonly string[]): Promise<number> {
  const topology = standingTopology(prefix);
  if (!(await topology.present()).includes(place)) {
    throw new EnvironmentError(`${prefix} is not up; \`npm run lab -- up${nameOption(prefix)}\` starts it`);
  }
  const environment = shellEnvironment(prefix, place);
  const child = topology.spawn(place, command, { stdio: 'inherit', environment });
  // Ctrl-C is for the program in the terminal; this process ends when that does.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}
