// Where the package lies, from its sources and from what is built of them alike.

import { existsSync } from 'node:fs';

let found: URL | undefined;

/** A file of the package. @param path from the folder of package.json, as in `etc/site-a.yaml` */
export function packageFile(path: string): URL {
  found ??= findRoot(new URL('.', import.meta.url));
  return new URL(path, found);
}

function findRoot(folder: URL): URL {
  return existsSync(new URL('package.json', folder)) ? folder : findRoot(new URL('..', folder));
}
