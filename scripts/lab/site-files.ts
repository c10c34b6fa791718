// The files that the gateways run with: the examples of etc/, with the settings that a scenario changes, beside
// keys made for this run.

import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import { EnvironmentError } from '../../src/base/errors.ts';
import { generateKey } from '../../src/management/cli/keygen.ts';
import type { EngineName } from './engine-name.ts';

export type GatewayPlace = 'gwA' | 'gwB' | 'gwC';

/** A change of a configuration file: a path of keys and the new value; undefined deletes. */
export type Setting = readonly [path: readonly (string | number)[], value: unknown];

/** What the gateway in a place runs with. */
export interface Site {
  readonly place: GatewayPlace;
  /** File of etc/. */
  readonly example: 'site-a.yaml' | 'site-b.yaml' | 'ike-site-a.yaml' | 'ike-site-b.yaml';
  readonly settings: readonly Setting[];
}

export const twoSites: readonly Site[] = [
  { place: 'gwA', example: 'site-a.yaml', settings: [] },
  { place: 'gwB', example: 'site-b.yaml', settings: [] },
];

/** The same sites with keys made by IKE. */
export const ikeTwoSites: readonly Site[] = [
  { place: 'gwA', example: 'ike-site-a.yaml', settings: [] },
  { place: 'gwB', example: 'ike-site-b.yaml', settings: [] },
];

/** Who makes the keys of the tunnel. */
export type Keying = 'manual' | 'ike';

export const gatewayPlaces: readonly ('gwA' | 'gwB')[] = ['gwA', 'gwB'];
/** The keys that the examples name. Gateways share them: what one sends with, the other receives with. */
export const exampleKeys: readonly string[] = ['a-to-b', 'b-to-a'];
/** The secret that the examples with IKE name. */
export const ikeExampleKeys: readonly string[] = ['a-b.psk'];
export const program: string = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface SiteFiles {
  readonly engine: EngineName;
  configuration(gateway: GatewayPlace): string;
  stateDirectory(gateway: GatewayPlace): string;
  /** With the socket for swanctl. */
  runtimeDirectory(gateway: GatewayPlace): string;
  log(gateway: GatewayPlace): string;
}

/** Fills `directory`, which exists and which only its owner can enter. */
export async function writeSiteFiles(
  directory: string,
  engine: EngineName | undefined,
  sites: readonly Site[] = twoSites,
  keys: readonly string[] = exampleKeys,
): Promise<SiteFiles> {
  if (!existsSync(program)) throw new EnvironmentError('not compiled yet; run `node scripts/setup.mjs lab`');
  const keyDirectory = join(directory, 'keys');
  await mkdir(keyDirectory, { mode: 0o700 });
  for (const key of keys) makeKey(key, keyDirectory);
  const files: SiteFiles = {
    engine: engine ?? (await configuredEngine(sites)),
    configuration: (gateway) => join(directory, `${gateway}.yaml`),
    stateDirectory: (gateway) => join(directory, `${gateway}.state`),
    runtimeDirectory: (gateway) => join(directory, `${gateway}.run`),
    log: (gateway) => join(directory, `${gateway}.log`),
  };
  for (const site of sites) {
    await mkdir(files.stateDirectory(site.place), { mode: 0o700 });
    await writeConfiguration(site, files.configuration(site.place), engine);
  }
  return files;
}

/** As `isthmus keygen` does. */
function makeKey(key: string, directory: string): void {
  const isSecret = key.endsWith('.psk');
  const file = join(directory, isSecret ? key : `${key}.key`);
  generateKey(isSecret ? 'psk' : 'aes256gcm16', file, { out: () => undefined, err: () => undefined });
}

function exampleFile({ example }: Site): string {
  return fileURLToPath(new URL(`../../etc/${example}`, import.meta.url));
}

async function configuredEngine([first]: readonly Site[]): Promise<EngineName> {
  if (first === undefined) return 'native';
  const document = parseDocument(await readFile(exampleFile(first), 'utf8'));
  return document.getIn(['gateway', 'engine']) === 'portable' ? 'portable' : 'native';
}

/** An example that nobody changes is copied as it is. */
async function writeConfiguration(site: Site, target: string, engine: EngineName | undefined): Promise<void> {
  const settings: Setting[] = [...site.settings];
  if (engine !== undefined) settings.push([['gateway', 'engine'], engine]);
  if (settings.length === 0) {
    await copyFile(exampleFile(site), target);
    await chmod(target, 0o600);
    return;
  }
  await writeFile(target, changed(await readFile(exampleFile(site), 'utf8'), settings), { mode: 0o600 });
}

/** The text of a configuration file with other settings. */
export function changed(text: string, settings: readonly Setting[]): string {
  const document = parseDocument(text);
  for (const [path, value] of settings) {
    if (value === undefined) document.deleteIn(path);
    else document.setIn(path, document.createNode(value));
  }
  return document.toString();
}
