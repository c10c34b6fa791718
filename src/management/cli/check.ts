// `isthmus check FILE`: one line where the file is right, one for each error where it is not.

import { describeGuard } from '../config/guard-note.ts';
import { loadConfig } from '../config/load-config.ts';
import { describeMissingFiles } from '../config/missing-files.ts';
import type { Output } from './output.ts';

/** @throws ConfigError with the lines of the errors */
export function checkFile(file: string, output: Output): void {
  const config = loadConfig(file);
  const { policies, peers, warnings } = config;
  for (const warning of warnings) output.err(`warning: ${warning}\n`);
  const guard = describeGuard(config);
  if (guard !== undefined) output.err(`note: ${guard}\n`);
  for (const missing of describeMissingFiles(config)) output.err(`note: ${missing}\n`);
  output.out(
    `${file}: ok (${count(policies.length, 'policy', 'policies')}, ${count(peers.length, 'peer', 'peers')})\n`,
  );
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
