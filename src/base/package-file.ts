// Where the package lies, from its sources and from what is built of them alike.

import { existsSync } from 'node:fs';
import { EnvironmentError } from './errors.ts';

let found: URL | undefined;

/**
 * A file of the package.
 * @param path from the folder of package.json, as in `etc/site-a.yaml`
 * @throws EnvironmentError where the program lies in no package
 */
export function packageFile(path: string): URL {
  found ??= findRoot(new URL('.', import.meta.url));
  return new URL(path, found);
}

function findRoot(folder: URL): URL {
  if (existsSync(new URL('package.json', folder))) return folder;
  const above = new URL('..', folder);
  if (above.href === folder.href)
    throw new EnvironmentError('package.json of Isthmus is missing above its program: install Isthmus anew');
  return findRoot(above);
}
