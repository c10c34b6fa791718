// Where a key or a pre-shared key is read from, as the file names it: exactly one of a file, an environment variable and
// a systemd credential.

import { dirname, resolve } from 'node:path';

import type { z } from 'zod';

import { InvariantError } from '../../base/errors.ts';
import { mapping, text, type Report } from './expectation.ts';
import type { SecretSource } from './credentials.ts';
import type { LoadedSecret } from './loaded-secret.ts';
import type { Path, Unproven } from './unproven.ts';

export interface KeyEntry {
  readonly file?: string | undefined;
  readonly env?: string | undefined;
  readonly credential?: string | undefined;
  /** Never in the file. */
  readonly loaded?: LoadedSecret | undefined;
}

export const keySource: z.ZodType<KeyEntry> = mapping({
  file: text('the path of a key file', /^[^\0]+$/).optional(),
  env: text('the name of an environment variable', /^[A-Za-z_][A-Za-z0-9_]*$/).optional(),
  credential: text('the name of a systemd credential', /^(?!\.{1,2}$)[^\0/]+$/).optional(),
});

/** @returns what tells this source from every other; undefined where it is wrong or missing */
export function checkKeySource(key: Unproven<KeyEntry>, path: Path, report: Report): string | undefined {
  if (typeof key !== 'object' || key === null) return undefined;
  const sources = Object.entries(key).filter(([, named]) => named !== undefined);
  const [source] = sources;
  if (sources.length === 1 && source !== undefined) return source.map(String).join(' ');
  const expected = 'exactly one of {file: PATH}, {env: NAME} and {credential: NAME}';
  if (sources.length > 1) report(path, expected, { found: sources.map(([kind]) => kind).join(' and ') });
  if (Object.keys(key).length === 0) report(path, expected);
  return undefined;
}

/** @param configFile whose directory the path of a key file starts from */
export function buildSecretSource(key: KeyEntry, configFile: string): SecretSource {
  if (key.file !== undefined) return { kind: 'file', path: resolve(dirname(configFile), key.file) };
  if (key.env !== undefined) return { kind: 'environment', variable: key.env };
  if (key.credential !== undefined) return { kind: 'credential', name: key.credential };
  if (key.loaded !== undefined) return { kind: 'loaded', secret: key.loaded };
  throw new InvariantError('a key passed the checks without a source');
}
