// The files that the two gateways run with: the examples of etc/ as they are, beside keys made for this run.

import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import { EnvironmentError } from '../../src/base/errors.ts';
import { runOrThrow } from '../topology/command.ts';
import type { EngineName } from './arguments.ts';

export type GatewayPlace = 'gwA' | 'gwB';

export const gatewayPlaces: readonly GatewayPlace[] = ['gwA', 'gwB'];
export const program: string = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const examples: Readonly<Record<GatewayPlace, string>> = { gwA: 'site-a.yaml', gwB: 'site-b.yaml' };
const keys = ['a-to-b.key', 'b-to-a.key'];

export interface SiteFiles {
  readonly engine: EngineName;
  configuration(gateway: GatewayPlace): string;
  stateDirectory(gateway: GatewayPlace): string;
  log(gateway: GatewayPlace): string;
}

/** Fills `directory`, which exists and which only its owner can enter. */
export async function writeSiteFiles(directory: string, engine: EngineName | undefined): Promise<SiteFiles> {
  if (!existsSync(program)) throw new EnvironmentError('not compiled yet; run `node scripts/setup.mjs lab`');
  const keyDirectory = join(directory, 'keys');
  await mkdir(keyDirectory, { mode: 0o700 });
  // Both gateways share the two keys: what one sends with, the other receives with.
  await Promise.all(
    keys.map((key) => runOrThrow([process.execPath, program, 'keygen', '--out', join(keyDirectory, key)])),
  );
  const files: SiteFiles = {
    engine: engine ?? (await configuredEngine('gwA')),
    configuration: (gateway) => join(directory, examples[gateway]),
    stateDirectory: (gateway) => join(directory, `${gateway}.state`),
    log: (gateway) => join(directory, `${gateway}.log`),
  };
  for (const gateway of gatewayPlaces) {
    await mkdir(files.stateDirectory(gateway), { mode: 0o700 });
    await writeConfiguration(gateway, files.configuration(gateway), engine);
  }
  return files;
}

function exampleFile(gateway: GatewayPlace): string {
  return fileURLToPath(new URL(`../../etc/${examples[gateway]}`, import.meta.url));
}

async function configuredEngine(gateway: GatewayPlace): Promise<EngineName> {
  const document = parseDocument(await readFile(exampleFile(gateway), 'utf8'));
  return document.getIn(['gateway', 'engine']) === 'portable' ? 'portable' : 'native';
}

async function writeConfiguration(
  gateway: GatewayPlace,
  target: string,
  engine: EngineName | undefined,
): Promise<void> {
  if (engine === undefined) {
    await copyFile(exampleFile(gateway), target);
    await chmod(target, 0o600);
    return;
  }
  const document = parseDocument(await readFile(exampleFile(gateway), 'utf8'));
  document.setIn(['gateway', 'engine'], engine);
  await writeFile(target, document.toString(), { mode: 0o600 });
}
